package org.attune.trainers.heads;

import org.attune.trainers.numerics.Logistic;

import java.util.Arrays;

/// Loss of a unit that is judged, as a function of its scores `z` and its target `y`: a text or a
/// word with its labels, a query with its documents.
sealed interface HeadLoss {
    /// The loss of a unit, and its derivatives.
    ///
    /// @param z scores
    /// @param y target
    /// @param slopes gets dL/dz, `(z.length)`
    double of(double[] z, double[] y, double[] slopes);

    /// Cross-entropy of one class, whose number is the target: `L = −log softmax(z)_y`.
    record CrossEntropy() implements HeadLoss {
        @Override
        public double of(double[] z, double[] y, double[] slopes) {
            double[] one = new double[z.length];
            one[(int) y[0]] = 1;
            return softmax(z, one, slopes);
        }
    }

    /// Binary cross-entropy, the mean over labels or documents:
    /// `L = 1/n Σ softplus(z) − y z`.
    record BinaryCrossEntropy() implements HeadLoss {
        @Override
        public double of(double[] z, double[] y, double[] slopes) {
            double loss = 0;
            for (int i = 0; i < z.length; i++) {
                loss += (Logistic.softplus(z[i]) - y[i] * z[i]) / z.length;
                slopes[i] = (Logistic.sigmoid(z[i]) - y[i]) / z.length;
            }
            return loss;
        }
    }

    /// Squared error of one number: `L = (z − y)²`.
    record SquaredError() implements HeadLoss {
        @Override
        public double of(double[] z, double[] y, double[] slopes) {
            slopes[0] = 2 * (z[0] - y[0]);
            return (z[0] - y[0]) * (z[0] - y[0]);
        }
    }

    /// RankNet, Burges et al., ICML 2005: the mean of
    /// `−log σ(z_i − z_j)` over all pairs with `y_i > y_j`; 0 where labels are all alike.
    record RankNet() implements HeadLoss {
        @Override
        public double of(double[] z, double[] y, double[] slopes) {
            double loss = 0;
            int pairs = 0;
            for (int i = 0; i < z.length; i++) {
                for (int j = 0; j < z.length; j++) {
                    if (y[i] > y[j]) {
                        pairs++;
                        loss += Logistic.softplus(z[j] - z[i]);
                        double slope = Logistic.sigmoid(z[j] - z[i]);
                        slopes[i] -= slope;
                        slopes[j] += slope;
                    }
                }
            }
            for (int i = 0; i < z.length; i++) {
                slopes[i] /= Math.max(1, pairs);
            }
            return loss / Math.max(1, pairs);
        }
    }

    /// Cross-entropy of the softmax over a query's documents with their labels, scaled to sum 1:
    /// the top-one probabilities of ListNet, Cao et al., ICML 2007, for labels that say how
    /// relevant a document is. It is 0 where no document is:
    /// `L = −Σ y/Σy log softmax(z)`.
    record SoftmaxList() implements HeadLoss {
        @Override
        public double of(double[] z, double[] y, double[] slopes) {
            double sum = Arrays.stream(y).sum();
            return sum > 0 ? softmax(z, Arrays.stream(y).map(v -> v / sum).toArray(), slopes) : 0;
        }
    }

    private static double softmax(double[] z, double[] y, double[] slopes) {
        double most = Arrays.stream(z).max().orElseThrow();
        double sum = Arrays.stream(z).map(v -> Math.exp(v - most)).sum();
        double loss = 0;
        for (int i = 0; i < z.length; i++) {
            double log = z[i] - most - Math.log(sum);
            loss -= y[i] == 0 ? 0 : y[i] * log;
            slopes[i] = Math.exp(log) - y[i];
        }
        return loss;
    }
}
