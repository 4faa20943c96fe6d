// Student's t and Fisher's F distribution, for intervals and tests of few clusters.
#ifndef ABL_STATS_STUDENT_T_H
#define ABL_STATS_STUDENT_T_H

// P(Z <= z) of the normal distribution.
double normal_cdf(double z);

// The t that has P(T > t) = p with dof > 0 degrees of freedom, whole or not; p in (0, 0.5].
double student_quantile(double p, double dof);

// P(F > f) with a and b > 0 degrees of freedom, whole or not; f >= 0.
double fisher_tail(double f, double a, double b);

#endif
