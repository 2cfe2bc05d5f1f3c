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
/// @param form       of its tensors
public record LoraTarget(
        String path,
        int rank,
        double alpha,
        double scaling,
        double dropout,
        boolean decomposed,
        Form form)
        implements AdapterTarget {
    static final String SUFFIX_A = ".lora_A.weight";
    static final String SUFFIX_B = ".lora_B.weight";
    static final String SUFFIX_BIAS = ".lora_B.bias";
    static final String SUFFIX_MAGNITUDE = ".lora_magnitude_vector";
    static final String SUFFIX_EMBEDDING_A = ".lora_embedding_A";
    static final String SUFFIX_EMBEDDING_B = ".lora_embedding_B";

    /// What is updated, and by what.
    public enum Form {
        /// A linear module's weight `(out, in)`.
        LINEAR,
        /// A linear module's weight `(out, in)`, by an update with a bias `b`: `W' x + s b`.
        BIASED,
        /// One expert's matrix `(out, in)` in a parameter that holds those of all experts. Names
        /// are the parameter's with the expert's number.
        EXPERT,
        /// An embedding's weight `E` of shape `(in, out)`: a row for each of `in` tokens,
        /// `E' = E + s (B A)ᵀ`. The trained lengths are those of columns.
        EMBEDDING
    }

    /// An update of a linear module.
    public LoraTarget(
            String path,
            int rank,
            double alpha,
            double scaling,
            double dropout,
            boolean decomposed) {
        this(path, rank, alpha, scaling, dropout, decomposed, Form.LINEAR);
    }

    /// Another module's, alike.
    LoraTarget at(String other) {
        return new LoraTarget(other, rank, alpha, scaling, dropout, decomposed, form);
    }

    /// Name of A in PEFT's files; shape `(rank, in)`.
    public String nameOfA() {
        return PREFIX + path + (form == Form.EMBEDDING ? SUFFIX_EMBEDDING_A : SUFFIX_A);
    }

    /// Name of B in PEFT's files; shape `(out, rank)`.
    public String nameOfB() {
        return PREFIX + path + (form == Form.EMBEDDING ? SUFFIX_EMBEDDING_B : SUFFIX_B);
    }

    @Override
    public List<NamedShape> tensors(long out, long in) {
        List<NamedShape> tensors = new ArrayList<>();
        tensors.add(new NamedShape(nameOfA(), rank, in));
        tensors.add(new NamedShape(nameOfB(), out, rank));
        if (form == Form.BIASED) {
            tensors.add(new NamedShape(PREFIX + path + SUFFIX_BIAS, out));
        }
        if (decomposed) {
            tensors.add(new NamedShape(PREFIX + path + SUFFIX_MAGNITUDE, out));
        }
        return tensors;
    }
}
