#include "stats/student_t.h"

#include <float.h>
#include <math.h>

double normal_cdf(double z)
{
    return 0.5 * erfc(-z / sqrt(2.0));
}

// lgamma alone would share the sign between threads.
static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method. It
// converges fast for x < (a + 1) / (a + b + 2).
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
    d = 1.0 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m < 10000; m++) {
        double before = h, even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        const double steps[] = { even, odd };
        for (int i = 0; i < 2; i++) {
            d = 1.0 + steps[i] * d;
            c = 1.0 + steps[i] / c;
            d = 1.0 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            h *= d * c;
        }
        if (fabs(h - before) <= 2 * DBL_EPSILON * fabs(h))
            break;
    }
    return h;
}

// I_x(a, b), the regularised incomplete beta function; y = 1 - x, handed in because the difference
// would lose digits.
static double beta_share(double x, double y, double a, double b)
{
    if (!(x > 0.0))
        return 0.0;
    if (!(y > 0.0))
        return 1.0;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(y));
    return x < (a + 1.0) / (a + b + 2.0) ? front * beta_fraction(x, a, b) / a
                                         : 1.0 - front * beta_fraction(y, b, a) / b;
}

// P(T > t) for t >= 0: 2 P = I_x(dof / 2, 1 / 2) at x = dof / (dof + t^2).
static double student_tail(double t, double dof)
{
    double whole = dof + t * t;
    return 0.5 * beta_share(dof / whole, t * t / whole, 0.5 * dof, 0.5);
}

// Bisection until the two ends are neighbours: a handful of calls a run.
double student_quantile(double p, double dof)
{
    double lo = 0.0, hi = 1.0;
    while (student_tail(hi, dof) > p && hi < 1e100)
        hi *= 2.0;
    for (;;) {
        double mid = lo + (hi - lo) / 2;
        if (!(mid > lo && mid < hi))
            return mid;
        *(student_tail(mid, dof) > p ? &lo : &hi) = mid;
    }
}

double fisher_tail(double f, double a, double b)
{
    double whole = b + a * f;
    return beta_share(b / whole, a * f / whole, 0.5 * b, 0.5 * a);
}
