// Numbers as text for files: the shortest decimal that reads back to the same value, '.' whatever
// the locale says.
#ifndef ABL_REPORT_NUMBER_H
#define ABL_REPORT_NUMBER_H

enum { NUMBER_SIZE = 40 }; // with the NUL

// "0.1", "-3", "1e-7"; a value that is not finite gives "".
void number_format(double value, char out[NUMBER_SIZE]);

// The same for a value that came from a float: reading it back as a float gives the same float.
void number_format_float(float value, char out[NUMBER_SIZE]);

// Digits that say themselves that they are of no whole number: "3" becomes "3.0"; what has a point
// or an exponent, and "", stay.
void number_with_point(char digits[NUMBER_SIZE]);

// For people: that many decimals, "-0.12"; values of a million and more as number_format does.
void number_fixed(double value, int decimals, char out[NUMBER_SIZE]);

#endif
