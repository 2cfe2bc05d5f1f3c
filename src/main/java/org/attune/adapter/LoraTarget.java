package org.attune.adapter;

import java.util.ArrayList;
import java.util.List;

/// LoRA of one module: `W' = W + scaling · B · A`. Where it is decomposed (DoRA), each row of `W'`
/// is brought to a trained length `m`: `W'' = m ⊙ W' / ‖W'‖`, [Liu et al. 2024, Eq.
/// 5](https://arxiv.org/abs/2402.09353).
///
/// @param path       of the module, e.g. `model.layers.0.self_attn.q_proj`
/// @param rank       rows of A and columns of B
/// @param alpha      numerator of the scaling
/// @param scaling    α/r, or α/√r with rsLoRA
/// @param dropout    probability that an input of A is dropped in training
/// @param decomposed whether rows have trained lengths
public record LoraTarget(
        String path, int rank, double alpha, double scaling, double dropout, boolean decomposed)
        implements AdapterTarget {
    static final String SUFFIX_A = ".lora_A.weight";
    static final String SUFFIX_B = ".lora_B.weight";
    static final String SUFFIX_MAGNITUDE = ".lora_magnitude_vector";

    /// Name of A in PEFT's files; shape `(rank, in)`.
    public String nameOfA() {
        return PREFIX + path + SUFFIX_A;
    }

    /// Name of B in PEFT's files; shape `(out, rank)`.
    public String nameOfB() {
        return PREFIX + path + SUFFIX_B;
    }

    @Override
    public List<NamedShape> tensors(long out, long in) {
        List<NamedShape> tensors = new ArrayList<>();
        tensors.add(new NamedShape(nameOfA(), rank, in));
        tensors.add(new NamedShape(nameOfB(), out, rank));
        if (decomposed) {
            tensors.add(new NamedShape(PREFIX + path + SUFFIX_MAGNITUDE, out));
        }
        return tensors;
    }
}
