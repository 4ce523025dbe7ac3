// The inner loops of the engine, compiled once for each instruction set and chosen when the program runs.
//
// Maps are channels last; channels are padded with zeros to a multiple of 16, so that loops take whole
// registers. Results depend on the instruction set alone: the order of sums is the same for every number
// of rows, tiles or images.
#ifndef ELBOW_KERNELS_H
#define ELBOW_KERNELS_H

#pragma clang assume_nonnull begin

// Images of one map; `first` is pixel (0, 0) of the first.
typedef struct {
  float *_Nullable first;
  long images, height, width;
  // Floats from one pixel, one row, one image to the next.
  long stride, row, image;
} kernel_map;

// Rows of sums of products:
//
//   C[l, r, v] = (start[v] + addend[l, r, v]
//     + sum_s sum_i A[l a_line + r a_row + s a_segment + i a_step] B[s b_segment + i b_step + v]) scale
//
// r runs over pixels (or input channels, for weight gradients) and l over lines of them, v over a panel of
// output channels, s over `segments` and i over `run`. With the right strides this is a matrix product,
// a 3 x 3 convolution over a bordered map without any copy (a segment is a filter row, a run its 3 C
// contiguous values), and a convolution's weight gradient.
typedef struct {
  long lines, rows;
  long segments, run;
  long a_line, a_row, a_segment, a_step;
  long b_segment, b_step;
} kernel_sums;

typedef struct {
  float *c;
  long c_line, c_row;
  // Null for none; may be c.
  const float *_Nullable addend;
  long addend_line, addend_row;
  float scale;
} kernel_output;

// Some of the tiles of a map of outputs, `rows` x `columns` an image, one image after the other. Where a
// side is no multiple of m, the last tile lies further inside and has only what is new.
typedef struct {
  long rows, columns;
  long first, count;
} kernel_tiles;

// Transforms of square tiles of Winograd's F(m, 3). Tile i's values of all channels lie at i times the
// map's stride (of `output`, of some: at i times `channels`), those of the (m + 2)^2 positions of a
// transformed tile `position` floats apart.
typedef struct {
  // B' d B of (m + 2) x (m + 2) pixels of each tile; x has a border.
  void (*input)(kernel_map x, kernel_tiles tiles, float *t, long position);
  // y = (A' t A + start + addend) scale, of the first `channels` of y, which tiles have; `start` has a
  // value a channel, `start_step` floats from one image's to the next's, null for 0; an addend whose
  // first is null is none, and may be y.
  void (*output)(
    const float *t, long position, long channels, kernel_map y, kernel_tiles tiles,
    const float *_Nullable start, long start_step, kernel_map addend, float scale);
  // A dy A', the adjoint of `output`.
  void (*cotangent)(kernel_map dy, kernel_tiles tiles, float *t, long position);
} kernel_winograd;

// One image's normalization; all have a value a channel.
typedef struct {
  const float *gamma, *beta, *mean, *inverse_deviation;
  // Whether SiLU follows.
  int activates;
} kernel_norm;

typedef struct {
  // Floats in a register.
  long lanes;

  // A panel of `width` channels: two registers, or one. Every row is summed in the same order.
  void (*contract)(
    const kernel_sums *sums, long width, const float *a, const float *b,
    const float *_Nullable start, const kernel_output *output);

  // C = (products + start + addend) scale, rows of `width`; one line, the next `c_line` further.
  void (*finish)(
    const float *products, long rows, long width, const float *_Nullable start,
    const kernel_output *output);

  kernel_winograd winograd2, winograd4;

  // F(4, 3) along a line of at least four pixels, in tiles of four outputs as there: C = (A' t + start +
  // addend) scale, `width` pixels of so many channels, which tiles have; one line, the next `c_line` further.
  void (*line_output)(
    const float *t, long position, long channels, long width, const float *_Nullable start,
    const kernel_output *output);

  // sums[c] = sum over the pixels of the first image; of squared deviations where `mean` is not null.
  void (*channel_sums)(kernel_map x, const float *_Nullable mean, float *sums);
  // sums[c] += sum over the pixels of all images.
  void (*add_channel_sums)(kernel_map x, float *sums);

  // y = x factor, resampled: as it is, nearest x2 or the mean of 2 x 2 (of 2 along a single row).
  void (*scale)(kernel_map x, kernel_map y, float factor);
  // y = gamma (x - mean) inverse_deviation + beta of one image, resampled; with SiLU.
  void (*normalize)(kernel_map x, kernel_map y, kernel_norm norm);
  // Replaces the gradient dy of one image's output by that of what SiLU was applied to, dz;
  // sum = sum dz, product = sum dz (x - mean) inverse_deviation.
  void (*normalize_gradient)(
    kernel_map x, kernel_map dy, kernel_norm norm, float *sum, float *product);
  // dx = gamma inverse_deviation dz + slope x + constant + addend of one image; an addend whose first is
  // null is none.
  void (*normalize_input_gradient)(
    kernel_map x, kernel_map dz, kernel_map addend, kernel_map dx,
    kernel_norm norm, const float *slope, const float *constant);

  // y = x for so many channels of each pixel, and 0 for so many after them; maps of one size.
  void (*copy)(kernel_map x, kernel_map y, long channels, long zeros);
  // y += x for so many channels of each pixel, maps of one size.
  void (*add)(kernel_map x, kernel_map y, long channels);
  // y = x + shift of one image, a shift a channel.
  void (*add_to_channels)(kernel_map x, const float *shift, kernel_map y);

  // softmax of one row in place.
  void (*softmax)(float *row, long count);

  // Of rows of `stride` values, a multiple of 16: bytes, or floats.
  // Squared distances of so many consecutive ones from `query`.
  void (*squared_distances)(
    const void *rows, int are_bytes, long count, long stride, const float *query,
    float *distances);
  // The sum of some of them, each with its weight.
  void (*weighted_sum)(
    const void *rows, int are_bytes, long stride, const long *chosen, const float *weights,
    long count, float *sum);
  // The inner product of one of them with `v`.
  float (*inner_product)(
    const void *rows, int are_bytes, long stride, long chosen, const float *v);
} kernel_table;

// Products of matrices, one for each position of transformed tiles or a single one, operands in bfloat16,
// sums in Float32: C[p] = A[p, 0] B[p, 0] + A[p, 1] B[p, 1] + ..., C of `rows` x `width`.
typedef struct {
  // `depth`, of each term, is a multiple of 32, `width` is `kernel_panel_bf16` or 16.
  long positions, rows, terms, depth, width;
  // rows x depth, with room for a multiple of 16 rows; terms may overlap.
  const unsigned short *a;
  long a_position, a_term;
  // depth / 2 x width x 2, one after the other; what is multiplied next lies behind, up to `b_end`.
  const unsigned short *b, *b_end;
  // With room for a multiple of 16 rows.
  float *c;
  long c_position;
} kernel_products;

enum { kernel_panel_bf16 = 32 };

typedef struct {
  // Winograd's `input` for m = 2 and 4, rounded to bfloat16 (to zero below 2^-126 where the processor does
  // it), zeros from the map's channels up to `depth`.
  void (*input2)(
    kernel_map x, kernel_tiles tiles, unsigned short *t, long depth, long position);
  void (*input4)(
    kernel_map x, kernel_tiles tiles, unsigned short *t, long depth, long position);
  // The same along a line of at least four pixels for m = 4, all tiles of it; x is the pixel before.
  void (*line)(
    const float *x, long width, long stride, unsigned short *t, long depth, long position);
  // Rows of `stride` floats, rounded, zeros up to `depth`.
  void (*rows)(const float *x, long rows, long stride, unsigned short *t, long depth);
  // One panel of the right operand: rows of `width` floats, rounded, two and two, each pair into
  // 2 x `columns` halves of the target; `rows` is even, `width` a multiple of 8.
  void (*pack)(
    const float *source, long rows, long width, unsigned short *target, long columns);
  void (*products)(const kernel_products *products);
} kernel_bf16;

// Instruction sets, from the one that any processor of this kind has.
typedef enum { kernels_baseline, kernels_avx2, kernels_avx512 } kernel_set;

// The kernels for one instruction set; null where this processor, or the system, lacks it.
const kernel_table *_Nullable kernels_of(kernel_set set);

// What multiplies in bfloat16: any processor, by widening; AVX512-BF16; AMX.
typedef enum { kernels_bf16_plain, kernels_bf16_avx512, kernels_bf16_amx } kernel_bf16_set;

// The same for bfloat16.
const kernel_bf16 *_Nullable kernels_bf16_of(kernel_bf16_set set);

// `products` with their tiles taken as AMX takes them, in plain C.
void kernels_amx_twin_products(const kernel_products *products);

// What one core can do at most, for figures to stand beside.

// Fused multiply-adds of Float32 in registers, `rounds` of twelve independent vectors: how many
// floating-point operations they were, two for each multiply-add. `sink` takes what came of them, so
// that they are done.
double elbow_ceiling_fma(long rounds, float *sink);

// a = b + s * c over `count` numbers: two read, one written.
void elbow_ceiling_triad(float *a, const float *b, const float *c, float s, long count);

#pragma clang assume_nonnull end

#endif
