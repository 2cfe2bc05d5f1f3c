package org.attune.trainers.heads;

import org.attune.trainers.heads.EmbedObjective.Part;

import java.util.List;

/// Losses of embeddings, on cosines of the vectors before they are normalised. `B` rows, `C`
/// documents, `D` width.
final class InfoNce {
    private InfoNce() {}

    /// Vectors with the derivatives of a loss by them.
    ///
    /// @param values `(n, D)`
    /// @param slopes `(n, D)`, added to
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Vectors(double[][] values, double[][] slopes) {
        static Vectors of(List<double[]> values) {
            double[][] all = values.toArray(double[][]::new);
            return new Vectors(all, new double[all.length][all.length == 0 ? 0 : all[0].length]);
        }
    }

    /// InfoNCE, [van den Oord et al. 2018, Eq. 4](https://arxiv.org/abs/1807.03748), the loss of an
    /// anchor being that of finding its own document among all:
    /// ```
    /// L = −log softmax_c(s · cos(a, d_c)) at the own document
    /// ```
    ///
    /// @param anchors `(B, D)`
    /// @param documents `(C, D)`, those of all rows
    /// @param own the number of each anchor's document, `(B)`
    /// @param scale s, 1 / temperature
    /// @param losses of each anchor, added to, `(B)`
    static void contrast(
            Vectors anchors,
            Vectors documents,
            int[] own,
            List<Part> parts,
            double scale,
            double[] losses) {
        for (Part part : parts) {
            double[] normA = norms(anchors.values(), part.dims());
            double[] normD = norms(documents.values(), part.dims());
            for (int a = 0; a < own.length; a++) {
                double[] z = new double[normD.length];
                for (int c = 0; c < z.length; c++) {
                    z[c] = scale * cosine(anchors, a, documents, c, normA, normD, part.dims());
                }
                double[] slopes = new double[z.length];
                double loss = new HeadLoss.CrossEntropy().of(z, new double[] {own[a]}, slopes);
                losses[a] += part.weight() * loss;
                for (int c = 0; c < z.length; c++) {
                    double slope = part.weight() / own.length * scale * slopes[c];
                    double cosine = z[c] / scale;
                    back(anchors, a, documents, c, normA, normD, part.dims(), cosine, slope);
                }
            }
        }
    }

    /// Squared error of the cosine of each pair: `L = (cos(u, v) − y)²`.
    ///
    /// @param target y, `(B)`
    /// @param losses of each pair, added to, `(B)`
    /// @return cosines of whole vectors, `(B)`
    static double[] similarity(
            Vectors left, Vectors right, double[] target, List<Part> parts, double[] losses) {
        for (Part part : parts) {
            double[] normL = norms(left.values(), part.dims());
            double[] normR = norms(right.values(), part.dims());
            for (int i = 0; i < target.length; i++) {
                double cosine = cosine(left, i, right, i, normL, normR, part.dims());
                losses[i] += part.weight() * (cosine - target[i]) * (cosine - target[i]);
                double slope = part.weight() / target.length * 2 * (cosine - target[i]);
                back(left, i, right, i, normL, normR, part.dims(), cosine, slope);
            }
        }
        return cosines(left, right);
    }

    private static double[] cosines(Vectors left, Vectors right) {
        int dims = left.values()[0].length;
        double[] normL = norms(left.values(), dims);
        double[] normR = norms(right.values(), dims);
        double[] cosines = new double[normL.length];
        for (int i = 0; i < cosines.length; i++) {
            cosines[i] = cosine(left, i, right, i, normL, normR, dims);
        }
        return cosines;
    }

    /// Norms of leading parts; at least 1e-12, as in sentence-transformers, so that a vector of
    /// zeros has a direction to go.
    static double[] norms(double[][] vectors, int dims) {
        double[] norms = new double[vectors.length];
        for (int i = 0; i < norms.length; i++) {
            norms[i] = Math.max(1e-12, Math.sqrt(dot(vectors[i], vectors[i], dims)));
        }
        return norms;
    }

    static double dot(double[] a, double[] b, int dims) {
        double sum = 0;
        for (int k = 0; k < dims; k++) {
            sum += a[k] * b[k];
        }
        return sum;
    }

    private static double cosine(
            Vectors a, int i, Vectors b, int j, double[] normA, double[] normB, int dims) {
        return dot(a.values()[i], b.values()[j], dims) / normA[i] / normB[j];
    }

    /// `d cos/da = (b/|b| − cos a/|a|) / |a|`, and the same the other way round.
    private static void back(
            Vectors a,
            int i,
            Vectors b,
            int j,
            double[] normA,
            double[] normB,
            int dims,
            double cosine,
            double slope) {
        double[] x = a.values()[i];
        double[] y = b.values()[j];
        for (int k = 0; k < dims; k++) {
            double u = x[k] / normA[i];
            double v = y[k] / normB[j];
            a.slopes()[i][k] += slope * (v - cosine * u) / normA[i];
            b.slopes()[j][k] += slope * (u - cosine * v) / normB[j];
        }
    }
}
