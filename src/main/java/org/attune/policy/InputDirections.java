package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// The principal directions of what a layer reads, from one batch after the other: incremental PCA
/// with a moving mean (Ross et al. 2008, §3). Each
/// batch is stacked below the directions so far, and the stack is decomposed.
final class InputDirections implements AutoCloseable {
    private static final int ITERATIONS = 4;
    private static final long SEED = 42;

    private final TensorScope scope = TensorScope.detached("directions");
    private final int count;
    private final int in;
    private final double similar;
    private final Tensor directions; // (count, in), float32
    private final double[] singular; // values of them
    private final double[] ratios;
    private final boolean[] converged;
    private final double[] mean;
    private double spread; // sum of squared distances to the mean
    private long seen;

    /// @param count of directions, at most `in`
    /// @param in features
    /// @param similar cosine of the angle to the previous direction at which one has converged
    InputDirections(int count, int in, double similar) {
        this.count = count;
        this.in = in;
        this.similar = similar;
        directions = scope.adopt(Tensor.zeros(Device.cpu(), DType.FLOAT32, count, in));
        singular = new double[count];
        ratios = new double[count];
        converged = new boolean[count];
        mean = new double[in];
    }

    /// Takes a batch in. One with fewer rows than there are directions is passed over.
    ///
    /// @param given `(N, in)`
    void add(Tensor given) {
        long n = given.size(0);
        if (n < count) {
            return;
        }
        try (var _ = TensorScope.open("directions")) {
            Tensor x =
                    Tensor.empty(Device.cpu(), DType.FLOAT32, n, in)
                            .copyInPlace(given.to(DType.FLOAT32));
            double[] own = x.sum(0, false).toDoubles();
            double shift = 0; // squared distance of the means
            for (int i = 0; i < in; i++) {
                own[i] /= n;
                shift += (own[i] - mean[i]) * (own[i] - mean[i]);
            }
            Tensor ownMean = Tensor.of(Device.cpu(), floats(own), 1, in);
            Tensor centred = x.sub(ownMean);
            spread += centred.square().sum().item();
            Tensor stacked = seen == 0 ? centred : stacked(centred, ownMean, n);
            if (seen > 0) {
                spread += shift * seen * n / (seen + n);
            }
            for (int i = 0; i < in; i++) {
                mean[i] += (own[i] - mean[i]) * n / (seen + n);
            }
            boolean first = seen == 0;
            seen += n;
            decompose(stacked, first);
        }
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    /// The directions so far times their singular values, the batch, and the way between the means.
    private Tensor stacked(Tensor centred, Tensor ownMean, long n) {
        Tensor values = Tensor.of(Device.cpu(), floats(singular), count, 1);
        Tensor way =
                Tensor.of(Device.cpu(), floats(mean), 1, in)
                        .sub(ownMean)
                        .mul(Math.sqrt((double) seen * n / (seen + n)));
        return Tensor.cat(0, directions.mul(values), centred, way);
    }

    private void decompose(Tensor stacked, boolean first) {
        long most = Math.min(stacked.size(0), in);
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(SEED);
        Tensor[] usv =
                2L * count >= most
                        ? stacked.svd()
                        : SingularDirections.of(stacked, 2 * count, ITERATIONS, random);
        float[] values = usv[1].toFloats();
        float[] now = usv[2].narrow(1, 0, count).t().contiguous().toFloats(); // (count, in)
        float[] before = directions.toFloats();
        for (int k = 0; k < count; k++) {
            turn(now, k);
            singular[k] = values[k];
            ratios[k] = spread > 0 ? values[k] * (double) values[k] / spread : 0;
            converged[k] = !first && cosine(now, before, k) >= similar;
        }
        directions.copyInPlace(Tensor.of(Device.cpu(), now, count, in));
    }

    /// Gives a direction the sign with which its largest number is positive.
    private void turn(float[] rows, int row) {
        int largest = row * in;
        for (int i = row * in; i < (row + 1) * in; i++) {
            largest = Math.abs(rows[i]) > Math.abs(rows[largest]) ? i : largest;
        }
        if (rows[largest] < 0) {
            for (int i = row * in; i < (row + 1) * in; i++) {
                rows[i] = -rows[i];
            }
        }
    }

    private double cosine(float[] a, float[] b, int row) {
        double dot = 0;
        double lengthA = 0;
        double lengthB = 0;
        for (int i = row * in; i < (row + 1) * in; i++) {
            dot += (double) a[i] * b[i];
            lengthA += (double) a[i] * a[i];
            lengthB += (double) b[i] * b[i];
        }
        return dot / Math.max(Math.sqrt(lengthA) * Math.sqrt(lengthB), 1e-8);
    }

    int count() {
        return count;
    }

    /// Whether a batch was taken in.
    boolean isKnown() {
        return seen > 0;
    }

    /// Whether the first directions are as they were a batch before.
    boolean hasConverged(int first) {
        for (int k = 0; k < first; k++) {
            if (!converged[k]) {
                return false;
            }
        }
        return true;
    }

    /// The share of a direction in the spread of what was read.
    double ratio(int direction) {
        return ratios[direction];
    }

    /// The first directions, row by row.
    ///
    /// @param whitened whether each is divided by the root of its singular value
    float[] first(int rows, boolean whitened) {
        try (var _ = TensorScope.open("directions")) {
            float[] values = directions.narrow(0, 0, rows).contiguous().toFloats();
            for (int i = 0; whitened && i < values.length; i++) {
                values[i] /= (float) Math.sqrt(singular[i / in]);
            }
            return values;
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
