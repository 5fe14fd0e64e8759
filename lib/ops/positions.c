#include "ops/positions.h"

#include <math.h>
#include <stddef.h>

void fl_positions_sinusoidal(float *table, int n_ctx, int d_model)
{
    for (int feature = 0; feature < d_model; feature += 2) {
        double frequency = pow(10000.0, -(double)feature / d_model);
        for (int pos = 0; pos < n_ctx; pos++) {
            float *row = table + (size_t)pos * (size_t)d_model;
            row[feature] = (float)sin(pos * frequency);
            if (feature + 1 < d_model)
                row[feature + 1] = (float)cos(pos * frequency);
        }
    }
}

void fl_positions_halves(float *table, int n_ctx, int d_model)
{
    const int half = d_model / 2;
    for (int feature = 0; feature < half; feature++) {
        double frequency = pow(10000.0, -(double)feature / (half - 1));
        for (int i = 0; i < n_ctx; i++) {
            float *row = table + (size_t)i * (size_t)d_model;
            row[feature] = (float)sin((i + 1) * frequency);
            row[half + feature] = (float)cos((i + 1) * frequency);
        }
    }
}
