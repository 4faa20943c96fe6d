// Student's t distribution, for intervals from few clusters.
#ifndef ABL_STATS_STUDENT_T_H
#define ABL_STATS_STUDENT_T_H

// P(Z <= z) of the normal distribution.
double normal_cdf(double z);

// The t that has P(T > t) = p with dof > 0 degrees of freedom, whole or not; p in (0, 0.5].
double student_quantile(double p, double dof);

#endif
