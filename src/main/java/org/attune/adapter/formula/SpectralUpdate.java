package org.attune.adapter.formula;

import org.attune.error.ConfigException;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

import java.util.List;

/// FourierFT: few coefficients of `Δ`'s spectrum are trained, at places that a seed chooses,
/// `Δ = s Re(IDFT2(F))`, [Gao et al. 2024, Eq. 2 and 3](https://arxiv.org/abs/2405.03003).
///
/// @param frequencies `n_frequency`: how many coefficients
/// @param scaling `s`
/// @param seed `random_loc_seed`: chooses the places
record SpectralUpdate(int frequencies, double scaling, long seed) implements WeightFormula {
    @Override
    public List<Part> parts(long out, long in) {
        if (out != ANY && in != ANY && frequencies >= out * in) {
            throw new ConfigException(
                    "n_frequency is %d; accepted: fewer than the %d × %d values of each module"
                            .formatted(frequencies, out, in));
        }
        return List.of(
                new Part("fourierft_spectrum", Start.ZEROS, Start.normal(0, 1), frequencies));
    }

    @Override
    public List<String> suffixes() {
        return List.of("fourierft_spectrum");
    }

    /// A coefficient `c` at `(u, v)` adds `c cos(2π(p u / out + q v / in))` at `(p, q)`, which is
    /// `c (cos a cos b − sin a sin b)`: a matrix product.
    @Override
    public Tensor delta(Base base, List<Tensor> values) {
        int out = Math.toIntExact(base.out());
        int in = Math.toIntExact(base.in());
        long[] places = TorchPermutation.first(frequencies, base.out() * base.in(), seed);
        int[] rows = new int[frequencies];
        int[] columns = new int[frequencies];
        for (int k = 0; k < frequencies; k++) {
            rows[k] = (int) (places[k] / in);
            columns[k] = (int) (places[k] % in);
        }
        Tensor spectrum = values.getFirst();
        Device device = spectrum.device();
        Tensor twice = Tensor.cat(0, spectrum, spectrum.mul(-1)); // of cosines, of sines
        Tensor left = waves(device, rows, out).mul(twice.reshape(1, 2L * frequencies));
        return left.mm(waves(device, columns, in).t()).mul(scaling / ((double) out * in));
    }

    /// Cosines and then sines of `2π p f / size`, `(size, 2 · frequencies)`.
    private static Tensor waves(Device device, int[] frequencies, int size) {
        float[] cosine = new float[size];
        float[] sine = new float[size];
        for (int i = 0; i < size; i++) {
            cosine[i] = (float) Math.cos(2 * Math.PI * i / size);
            sine[i] = (float) Math.sin(2 * Math.PI * i / size);
        }
        int count = frequencies.length;
        float[] waves = new float[Math.multiplyExact(size, 2 * count)];
        int[] angles = new int[count]; // p f modulo size; a division for each would take longest
        for (int p = 0; p < size; p++) {
            for (int k = 0; k < count; k++) {
                int angle = angles[k];
                waves[p * 2 * count + k] = cosine[angle];
                waves[p * 2 * count + count + k] = sine[angle];
                int next = angle + frequencies[k];
                angles[k] = next < size ? next : next - size;
            }
        }
        return Tensor.of(device, waves, size, 2L * count);
    }

    @Override
    public boolean readsWeight() {
        return false;
    }
}
