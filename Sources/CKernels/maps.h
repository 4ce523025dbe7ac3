// Over the pixels of a map, some registers of channels at once: of a pixel as much as its neighbours in
// memory, and independent sums. `body(c, n)` takes n registers from channel c on.
#define BY_CHANNELS(channels, body) \
  for (long c = 0, left; (left = ((channels) - c) / LANES) > 0;) { \
    if (left >= 4) { \
      body(c, 4); \
      c += 4 * LANES; \
    } else if (left >= 2) { \
      body(c, 2); \
      c += 2 * LANES; \
    } else { \
      body(c, 1); \
      c += LANES; \
    } \
  }
#define EACH UNROLLED for (int v = 0; v < n; v++)

// Two accumulators, to keep the additions independent.
FUNCTION void sum_channels(
  const int n, kernel_map x, const float *first, const float *mean, float *sums
) {
  lanes even[4], odd[4], center[4];
  EACH {
    even[v] = odd[v] = (lanes)0.0f;
    center[v] = mean ? load(mean + v * LANES) : (lanes)0.0f;
  }
#define ADD(to, from) \
  EACH { \
    lanes value = load((from) + v * LANES); \
    to[v] += mean ? (value - center[v]) * (value - center[v]) : value; \
  }
  for (long y = 0; y < x.height; y++) {
    const float *line = first + y * x.row;
    long i = 0;
    for (; i + 1 < x.width; i += 2) {
      ADD(even, line + i * x.stride);
      ADD(odd, line + (i + 1) * x.stride);
    }
    if (i < x.width) ADD(even, line + i * x.stride);
  }
#undef ADD
  EACH store(even[v] + odd[v], sums + v * LANES);
}

static void channel_sums(kernel_map x, const float *mean, float *sums) {
#define BODY(c, n) \
  if (mean) sum_channels(n, x, x.first + c, mean + c, sums + c); \
  else sum_channels(n, x, x.first + c, 0, sums + c)
  BY_CHANNELS(x.stride, BODY)
#undef BODY
}

FUNCTION void add_sums(const int n, kernel_map x, const float *first, float *sums) {
  lanes added[4];
  EACH added[v] = (lanes)0.0f;
  for (long image = 0; image < x.images; image++)
    for (long y = 0; y < x.height; y++) {
      const float *line = first + image * x.image + y * x.row;
      for (long i = 0; i < x.width; i++) EACH added[v] += load(line + i * x.stride + v * LANES);
    }
  EACH store(load(sums + v * LANES) + added[v], sums + v * LANES);
}

static void add_channel_sums(kernel_map x, float *sums) {
#define BODY(c, n) add_sums(n, x, x.first + c, sums + c)
  BY_CHANNELS(x.stride, BODY)
#undef BODY
}

// Functions of registers, resampled.

// What `resample` applies: v factor, v factor + offset, or SiLU of that.
FUNCTION lanes transform(const int kind, lanes v, lanes factor, lanes offset) {
  if (kind == 0) return v * factor;
  lanes z = plus(offset, v, factor);
  return kind == 1 ? z : z * sigmoid(z);
}

// Some registers of channels of one image, from x, of the size of y, half or twice it.
FUNCTION void resample(
  const int kind, const int n, kernel_map x, kernel_map y, const float *from, float *to,
  const lanes *factor, const lanes *offset
) {
#define VALUE(p) transform(kind, load((p) + v * LANES), factor[v], offset[v])
  const long left = x.stride, right = y.stride;
  if (x.width == y.width) {
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++)
        EACH store(VALUE(from + row * x.row + i * left), to + row * y.row + i * right + v * LANES);
  } else if (x.width < y.width) {
    const int lines = x.height == y.height ? 1 : 2;
    for (long row = 0; row < x.height; row++)
      for (long i = 0; i < x.width; i++)
        EACH {
          lanes value = VALUE(from + row * x.row + i * left);
          for (int line = 0; line < lines; line++) {
            float *target = to + (lines * row + line) * y.row + 2 * i * right + v * LANES;
            store(value, target);
            store(value, target + right);
          }
        }
  } else if (x.height == y.height) {
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++)
        EACH {
          const float *source = from + row * x.row + 2 * i * left;
          store(
            (VALUE(source) + VALUE(source + left)) * (lanes)0.5f,
            to + row * y.row + i * right + v * LANES);
        }
  } else {
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++)
        EACH {
          const float *upper = from + 2 * row * x.row + 2 * i * left, *lower = upper + x.row;
          lanes top = VALUE(upper) + VALUE(upper + left);
          lanes bottom = VALUE(lower) + VALUE(lower + left);
          store((top + bottom) * (lanes)0.25f, to + row * y.row + i * right + v * LANES);
        }
  }
#undef VALUE
}

static void scale_map(kernel_map x, kernel_map y, float factor) {
  lanes factors[4], none[4];
  for (int v = 0; v < 4; v++) {
    factors[v] = (lanes)factor;
    none[v] = (lanes)0.0f;
  }
  for (long image = 0; image < x.images; image++) {
#define BODY(c, n) \
  resample( \
    0, n, x, y, x.first + image * x.image + c, y.first + image * y.image + c, factors, none)
    BY_CHANNELS(x.stride, BODY)
#undef BODY
  }
}

FUNCTION void normalize_channels(
  const int kind, const int n, kernel_map x, kernel_map y, kernel_norm norm, long c
) {
  lanes factor[4], offset[4];
  EACH {
    const long at = c + v * LANES;
    factor[v] = load(norm.gamma + at) * load(norm.inverse_deviation + at);
    offset[v] = load(norm.beta + at) - load(norm.mean + at) * factor[v];
  }
  resample(kind, n, x, y, x.first + c, y.first + c, factor, offset);
}

static void normalize(kernel_map x, kernel_map y, kernel_norm norm) {
#define BODY(c, n) \
  if (norm.activates) normalize_channels(2, n, x, y, norm, c); \
  else normalize_channels(1, n, x, y, norm, c)
  BY_CHANNELS(x.stride, BODY)
#undef BODY
}

FUNCTION void gradient_channels(
  const int activates, const int n, kernel_map x, kernel_map dy, kernel_norm norm, long c, float *sum,
  float *product
) {
  const lanes one = (lanes)1.0f;
  lanes mean[4], r[4], gamma[4], beta[4], sums[4], moment[4];
  EACH {
    const long at = c + v * LANES;
    mean[v] = load(norm.mean + at);
    r[v] = load(norm.inverse_deviation + at);
    gamma[v] = load(norm.gamma + at);
    beta[v] = load(norm.beta + at);
    sums[v] = moment[v] = (lanes)0.0f;
  }
  for (long y = 0; y < x.height; y++) {
    const float *source = x.first + y * x.row + c;
    float *gradient = dy.first + y * dy.row + c;
    for (long i = 0; i < x.width; i++)
      EACH {
        lanes normalized = (load(source + i * x.stride + v * LANES) - mean[v]) * r[v];
        lanes dz = load(gradient + i * dy.stride + v * LANES);
        if (activates) {
          lanes z = plus(beta[v], gamma[v], normalized);
          lanes s = sigmoid(z);
          dz *= s * (one + z * (one - s));
          store(dz, gradient + i * dy.stride + v * LANES);
        }
        sums[v] += dz;
        moment[v] = plus(moment[v], dz, normalized);
      }
  }
  EACH {
    store(sums[v], sum + c + v * LANES);
    store(moment[v], product + c + v * LANES);
  }
}

static void normalize_gradient(
  kernel_map x, kernel_map dy, kernel_norm norm, float *sum, float *product
) {
#define BODY(c, n) \
  if (norm.activates) gradient_channels(1, n, x, dy, norm, c, sum, product); \
  else gradient_channels(0, n, x, dy, norm, c, sum, product)
  BY_CHANNELS(x.stride, BODY)
#undef BODY
}

FUNCTION void input_gradient_channels(
  const int n, kernel_map x, kernel_map dz, kernel_map addend, kernel_map dx, kernel_norm norm,
  const float *slope, const float *constant, long c
) {
  lanes factor[4], a[4], b[4];
  EACH {
    const long at = c + v * LANES;
    factor[v] = load(norm.gamma + at) * load(norm.inverse_deviation + at);
    a[v] = load(slope + at);
    b[v] = load(constant + at);
  }
  for (long y = 0; y < x.height; y++)
    for (long i = 0; i < x.width; i++)
      EACH {
        const long at = c + i * x.stride + v * LANES;
        lanes value = plus(b[v], load(x.first + y * x.row + at), a[v]);
        value = plus(value, load(dz.first + y * dz.row + at), factor[v]);
        if (addend.first) value += load(addend.first + y * addend.row + at);
        store(value, dx.first + y * dx.row + at);
      }
}

static void normalize_input_gradient(
  kernel_map x, kernel_map dz, kernel_map addend, kernel_map dx,
  kernel_norm norm, const float *slope, const float *constant
) {
#define BODY(c, n) input_gradient_channels(n, x, dz, addend, dx, norm, slope, constant, c)
  BY_CHANNELS(x.stride, BODY)
#undef BODY
}

#undef BY_CHANNELS
#undef EACH

// Register by register.

// Whole registers, then what is left: rows of channels are too short for memcpy.
FUNCTION void copy_or_add(const int adds, kernel_map x, kernel_map y, long channels, long zeros) {
  const long whole = channels / LANES * LANES;
  for (long image = 0; image < y.images; image++)
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++) {
        const float *source = x.first + image * x.image + row * x.row + i * x.stride;
        float *target = y.first + image * y.image + row * y.row + i * y.stride;
        for (long c = 0; c < whole; c += LANES)
          store(adds ? load(target + c) + load(source + c) : load(source + c), target + c);
        for (long c = whole; c < channels; c++) target[c] = adds ? target[c] + source[c] : source[c];
        for (long c = channels; c < channels + zeros; c++) target[c] = 0;
      }
}

static void copy_map(kernel_map x, kernel_map y, long channels, long zeros) {
  copy_or_add(0, x, y, channels, zeros);
}

static void add_map(kernel_map x, kernel_map y, long channels) { copy_or_add(1, x, y, channels, 0); }

static void add_to_channels(kernel_map x, const float *shift, kernel_map y) {
  for (long row = 0; row < y.height; row++)
    for (long i = 0; i < y.width; i++)
      for (long c = 0; c < x.stride; c += LANES)
        store(
          load(x.first + row * x.row + i * x.stride + c) + load(shift + c),
          y.first + row * y.row + i * y.stride + c);
}

static void softmax(float *row, long count) {
  const long whole = count / LANES * LANES;
  lanes most = (lanes)-__builtin_inff();
  for (long i = 0; i < whole; i += LANES) {
    const lanes v = load(row + i);
    most = choose((bits)(v > most), v, most);
  }
  float largest = most[0];
  for (int i = 1; i < LANES; i++) largest = most[i] > largest ? most[i] : largest;
  for (long i = whole; i < count; i++) largest = row[i] > largest ? row[i] : largest;
  lanes sums = (lanes)0.0f;
  for (long i = 0; i < whole; i += LANES) {
    lanes value = exponential(load(row + i) - (lanes)largest);
    store(value, row + i);
    sums += value;
  }
  float sum = total(sums);
  for (long i = whole; i < count; i++) {
    row[i] = exponential((lanes)(row[i] - largest))[0];
    sum += row[i];
  }
  const float factor = 1 / sum;
  for (long i = 0; i < count; i++) row[i] *= factor;
}
