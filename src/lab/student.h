// Student's t distribution, for intervals from few clusters.
#ifndef ABL_LAB_STUDENT_H
#define ABL_LAB_STUDENT_H

// P(Z <= z) of the normal distribution.
double normal_cdf(double z);

// P(T > t) with dof > 0 degrees of freedom, whole or not; t >= 0.
double student_tail(double t, double dof);

// The t that has P(T > t) = p; p in (0, 0.5].
double student_quantile(double p, double dof);

#endif
