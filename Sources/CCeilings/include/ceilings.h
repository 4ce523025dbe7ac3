// What one core can do at most, for figures to stand beside.
#ifndef ELBOW_CEILINGS_H
#define ELBOW_CEILINGS_H

// Fused multiply-adds of Float32 in registers, `rounds` of twelve independent vectors: how many
// floating-point operations they were, two for each multiply-add. `sink` takes what came of them, so
// that they are done.
double elbow_ceiling_fma(long rounds, float *sink);

// a = b + s * c over `count` numbers: two read, one written.
void elbow_ceiling_triad(float *a, const float *b, const float *c, float s, long count);

#endif
