package org.attune.adapter;

/// LoRA of one module, all patterns resolved: W' = W + scaling · B · A.
///
/// @param path    of the module, e.g. `model.layers.0.self_attn.q_proj`
/// @param rank    rows of A and columns of B
/// @param alpha   numerator of the scaling
/// @param scaling α/r, or α/√r with rsLoRA
/// @param dropout probability that an input of A is dropped in training
public record LoraTarget(String path, int rank, double alpha, double scaling, double dropout) {
    private static final String PREFIX = "base_model.model.";

    /// Name of A in PEFT's files; shape `(rank, in)`.
    public String nameOfA() {
        return PREFIX + path + ".lora_A.weight";
    }

    /// Name of B in PEFT's files; shape `(out, rank)`.
    public String nameOfB() {
        return PREFIX + path + ".lora_B.weight";
    }

    /// Name in PEFT's files of the untouched weight under an adapter, which PEFT saves of output
    /// layers.
    ///
    /// @param path of the module
    public static String nameOfBase(String path) {
        return PREFIX + path + ".base_layer.weight";
    }

    /// Name in PEFT's files of a tensor that is trained in full (`modules_to_save`).
    ///
    /// @param tensor Hugging Face's name, e.g. `lm_head.weight`
    public static String nameOfSaved(String tensor) {
        return PREFIX + tensor;
    }
}
