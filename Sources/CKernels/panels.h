// Products position by position, and by panels of the right operand.

#include "tables.h"

// Rows x width of one panel.
typedef void panel_product(
  long rows, long depth, const unsigned short *a, const unsigned short *b, long width, float *c,
  long c_row);

static inline void multiply_panels(const kernel_products *p, panel_product *multiply) {
  for (long position = 0; position < p->positions; position++) {
    const unsigned short *a = p->a + position * p->a_position;
    const unsigned short *b = p->b + position * p->depth * p->outputs;
    float *c = p->c + position * p->c_position;
    for (long column = 0; column < p->outputs; column += kernel_panel_bf16) {
      const long left = p->outputs - column;
      multiply(
        p->rows, p->depth, a, b + column * p->depth,
        left < kernel_panel_bf16 ? left : kernel_panel_bf16, c + column, p->outputs);
    }
  }
}
