// The table of one instruction set, which the file that includes this describes: so many REGISTERS of LANES
// floats, fused sums where FUSES is 1, the name of the TABLE.

#include "registers.h"
#include "sums.h"
#include "winograd.h"
#include "maps.h"
#include "rows.h"

#define WINOGRAD(m) \
  static void tile_input##m(kernel_map x, kernel_tiles tiles, float *t, long position) { \
    tile_input(m, 0, x, tiles, t, x.stride, position); \
  } \
  static void tile_output##m( \
    const float *t, long position, long channels, kernel_map y, kernel_tiles tiles, \
    const float *start, long start_step, kernel_map addend, float scale \
  ) { \
    tile_output(m, t, position, channels, y, tiles, start, start_step, addend, scale); \
  } \
  static void tile_cotangent##m(kernel_map dy, kernel_tiles tiles, float *t, long position) { \
    tile_cotangent(m, dy, tiles, t, position); \
  }
WINOGRAD(2)
WINOGRAD(4)
#undef WINOGRAD

const kernel_table TABLE = {
  .lanes = LANES,
  .contract = contract,
  .finish = finish,
  .winograd2 = {tile_input2, tile_output2, tile_cotangent2},
  .winograd4 = {tile_input4, tile_output4, tile_cotangent4},
  .line_output = line_output,
  .channel_sums = channel_sums,
  .add_channel_sums = add_channel_sums,
  .scale = scale_map,
  .normalize = normalize,
  .normalize_gradient = normalize_gradient,
  .normalize_input_gradient = normalize_input_gradient,
  .copy = copy_map,
  .add = add_map,
  .add_to_channels = add_to_channels,
  .softmax = softmax,
  .squared_distances = squared_distances,
  .weighted_sum = weighted_sum,
  .inner_product = inner_product,
};
