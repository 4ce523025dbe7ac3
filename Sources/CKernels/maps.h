// Sums over pixels.

// Two accumulators, to keep the additions independent.
static void channel_sums(kernel_map x, const float *mean, float *sums) {
  for (long c = 0; c < x.stride; c += LANES) {
    lanes even = (lanes)0.0f, odd = (lanes)0.0f;
    const lanes center = mean ? load(mean + c) : (lanes)0.0f;
#define TERM(i) \
  ({ \
    lanes v = load(line + (i) * x.stride); \
    mean ? (v - center) * (v - center) : v; \
  })
    for (long y = 0; y < x.height; y++) {
      const float *line = x.first + y * x.row + c;
      long i = 0;
      for (; i + 1 < x.width; i += 2) {
        even += TERM(i);
        odd += TERM(i + 1);
      }
      if (i < x.width) even += TERM(i);
    }
#undef TERM
    store(even + odd, sums + c);
  }
}

static void add_channel_sums(kernel_map x, float *sums) {
  for (long c = 0; c < x.stride; c += LANES) {
    lanes added = (lanes)0.0f;
    for (long image = 0; image < x.images; image++)
      for (long y = 0; y < x.height; y++) {
        const float *line = x.first + image * x.image + y * x.row + c;
        for (long i = 0; i < x.width; i++) added += load(line + i * x.stride);
      }
    store(load(sums + c) + added, sums + c);
  }
}

// Functions of one register, resampled.

// What `resample` applies: v factor, v factor + offset, or SiLU of that.
FUNCTION lanes transform(const int kind, lanes v, lanes factor, lanes offset) {
  if (kind == 0) return v * factor;
  lanes z = plus(offset, v, factor);
  return kind == 1 ? z : z * sigmoid(z);
}

// One register of channels of one image, from x, of the size of y, half or twice it.
FUNCTION void resample(
  const int kind, kernel_map x, kernel_map y, const float *from, float *to,
  lanes factor, lanes offset
) {
#define VALUE(p) transform(kind, load(p), factor, offset)
  const long left = x.stride, right = y.stride;
  if (x.width == y.width) {
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++)
        store(VALUE(from + row * x.row + i * left), to + row * y.row + i * right);
  } else if (x.width < y.width) {
    const int lines = x.height == y.height ? 1 : 2;
    for (long row = 0; row < x.height; row++)
      for (long i = 0; i < x.width; i++) {
        lanes value = VALUE(from + row * x.row + i * left);
        for (int line = 0; line < lines; line++) {
          float *target = to + (lines * row + line) * y.row + 2 * i * right;
          store(value, target);
          store(value, target + right);
        }
      }
  } else if (x.height == y.height) {
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++) {
        const float *source = from + row * x.row + 2 * i * left;
        store((VALUE(source) + VALUE(source + left)) * (lanes)0.5f, to + row * y.row + i * right);
      }
  } else {
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++) {
        const float *upper = from + 2 * row * x.row + 2 * i * left, *lower = upper + x.row;
        lanes top = VALUE(upper) + VALUE(upper + left);
        lanes bottom = VALUE(lower) + VALUE(lower + left);
        store((top + bottom) * (lanes)0.25f, to + row * y.row + i * right);
      }
  }
#undef VALUE
}

static void scale_map(kernel_map x, kernel_map y, float factor) {
  for (long image = 0; image < x.images; image++)
    for (long c = 0; c < x.stride; c += LANES)
      resample(
        0, x, y, x.first + image * x.image + c, y.first + image * y.image + c, (lanes)factor,
        (lanes)0.0f);
}

static void normalize(kernel_map x, kernel_map y, kernel_norm norm) {
  for (long c = 0; c < x.stride; c += LANES) {
    lanes factor = load(norm.gamma + c) * load(norm.inverse_deviation + c);
    lanes offset = load(norm.beta + c) - load(norm.mean + c) * factor;
    if (norm.activates) resample(2, x, y, x.first + c, y.first + c, factor, offset);
    else resample(1, x, y, x.first + c, y.first + c, factor, offset);
  }
}

static void normalize_gradient(
  kernel_map x, kernel_map dy, kernel_norm norm, float *sum, float *product
) {
  const lanes one = (lanes)1.0f;
  for (long c = 0; c < x.stride; c += LANES) {
    const lanes mean = load(norm.mean + c), r = load(norm.inverse_deviation + c);
    const lanes gamma = load(norm.gamma + c), beta = load(norm.beta + c);
    lanes sums = (lanes)0.0f, moment = (lanes)0.0f;
    for (long y = 0; y < x.height; y++) {
      const float *source = x.first + y * x.row + c;
      float *gradient = dy.first + y * dy.row + c;
      for (long i = 0; i < x.width; i++) {
        lanes normalized = (load(source + i * x.stride) - mean) * r;
        lanes dz = load(gradient + i * dy.stride);
        if (norm.activates) {
          lanes z = plus(beta, gamma, normalized);
          lanes s = sigmoid(z);
          dz *= s * (one + z * (one - s));
          store(dz, gradient + i * dy.stride);
        }
        sums += dz;
        moment = plus(moment, dz, normalized);
      }
    }
    store(sums, sum + c);
    store(moment, product + c);
  }
}

static void normalize_input_gradient(
  kernel_map x, kernel_map dz, kernel_map addend, kernel_map dx,
  kernel_norm norm, const float *slope, const float *constant
) {
  for (long c = 0; c < x.stride; c += LANES) {
    const lanes factor = load(norm.gamma + c) * load(norm.inverse_deviation + c);
    const lanes a = load(slope + c), b = load(constant + c);
    for (long y = 0; y < x.height; y++)
      for (long i = 0; i < x.width; i++) {
        const long at = c + i * x.stride;
        lanes value = plus(b, load(x.first + y * x.row + at), a);
        value = plus(value, load(dz.first + y * dz.row + at), factor);
        if (addend.first) value += load(addend.first + y * addend.row + at);
        store(value, dx.first + y * dx.row + at);
      }
  }
}

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
