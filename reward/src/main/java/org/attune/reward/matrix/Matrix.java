package org.attune.reward.matrix;

/// A matrix of doubles, `(R, C)`, never changed: each operation gives another one. Made by
/// [Matrices#of], and used within [Matrices#compute] only. Both kinds give the same bits: each
/// number is rounded once, and sums go from left to right.
public sealed interface Matrix permits PlainMatrix, Nd4jMatrix {
    int rows();

    int columns();

    /// The numbers, row by row.
    double[] toArray();

    /// The number at a place of [#toArray].
    double get(int index);

    /// Lays the numbers out anew in their order.
    ///
    /// @param rows and `columns`, whose product is the count of numbers
    Matrix reshape(int rows, int columns);

    Matrix transpose();

    /// Each number with its partner.
    ///
    /// @param other of this shape, or one column `(R, 1)` or one row `(1, C)` for all
    Matrix plus(Matrix other);

    /// Subtracts each number's partner.
    Matrix minus(Matrix other);

    /// Multiplies each number by its partner.
    Matrix times(Matrix other);

    /// Divides each number by its partner.
    Matrix over(Matrix other);

    Matrix plus(double number);

    Matrix times(double number);

    Matrix over(double number);

    /// Each number, or `least` where that is larger.
    Matrix atLeast(double least);

    Matrix abs();

    Matrix sqrt();

    /// 1 where a number is larger, else 0.
    Matrix greaterThan(double number);

    /// Sum of each row from left to right, `(R, 1)`.
    Matrix rowSums();

    /// Largest number of each row, `(R, 1)`.
    Matrix rowMaxima();

    /// Column `c`, `(R, 1)`.
    Matrix column(int c);

    /// All numbers in one row, `(1, R·C)`.
    default Matrix flat() {
        return reshape(1, rows() * columns());
    }

    /// Sum of all numbers, row by row.
    default double sum() {
        return flat().rowSums().get(0);
    }
}
