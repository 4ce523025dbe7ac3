// Rows of bytes or floats.

typedef unsigned char bytes __attribute__((ext_vector_type(LANES)));

FUNCTION lanes greys(const int are_bytes, const void *rows, long offset) {
  if (!are_bytes) return load((const float *)rows + offset);
  bytes v;
  __builtin_memcpy(&v, (const unsigned char *)rows + offset, sizeof v);
  return __builtin_convertvector(v, lanes);
}

FUNCTION void distances_of(
  const int are_bytes, const void *rows, long count, long stride, const float *query, float *distances
) {
  for (long i = 0; i < count; i++) {
    lanes even = (lanes)0.0f, odd = (lanes)0.0f;
    long c = 0;
    for (; c + 2 * LANES <= stride; c += 2 * LANES) {
      lanes x = load(query + c) - greys(are_bytes, rows, i * stride + c);
      lanes y = load(query + c + LANES) - greys(are_bytes, rows, i * stride + c + LANES);
      even = plus(even, x, x);
      odd = plus(odd, y, y);
    }
    if (c < stride) {
      lanes x = load(query + c) - greys(are_bytes, rows, i * stride + c);
      even = plus(even, x, x);
    }
    distances[i] = total(even + odd);
  }
}

static void squared_distances(
  const void *rows, int are_bytes, long count, long stride, const float *query, float *distances
) {
  if (are_bytes) distances_of(1, rows, count, stride, query, distances);
  else distances_of(0, rows, count, stride, query, distances);
}

FUNCTION void sum_of(
  const int are_bytes, const void *rows, long stride, const long *chosen, const float *weights,
  long count, float *sum
) {
  for (long c = 0; c < stride; c += LANES) {
    lanes even = (lanes)0.0f, odd = (lanes)0.0f;
    long i = 0;
    for (; i + 1 < count; i += 2) {
      even = plus(even, (lanes)weights[i], greys(are_bytes, rows, chosen[i] * stride + c));
      odd = plus(odd, (lanes)weights[i + 1], greys(are_bytes, rows, chosen[i + 1] * stride + c));
    }
    if (i < count) even = plus(even, (lanes)weights[i], greys(are_bytes, rows, chosen[i] * stride + c));
    store(even + odd, sum + c);
  }
}

static void weighted_sum(
  const void *rows, int are_bytes, long stride, const long *chosen, const float *weights, long count,
  float *sum
) {
  if (are_bytes) sum_of(1, rows, stride, chosen, weights, count, sum);
  else sum_of(0, rows, stride, chosen, weights, count, sum);
}

static float inner_product(
  const void *rows, int are_bytes, long stride, long chosen, const float *v
) {
  lanes sum = (lanes)0.0f;
  for (long c = 0; c < stride; c += LANES)
    sum = plus(sum, load(v + c), greys(are_bytes, rows, chosen * stride + c));
  return total(sum);
}
