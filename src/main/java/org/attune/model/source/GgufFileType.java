package org.attune.model.source;

import org.attune.files.gguf.GgufType;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Number formats of a whole GGUF file, as llama.cpp's tools mix them.
public enum GgufFileType {
    F32(0, GgufType.F32, GgufType.F32),
    F16(1, GgufType.F16, GgufType.F16),
    BF16(32, GgufType.BF16, GgufType.BF16),
    Q8_0(7, GgufType.Q8_0, GgufType.Q8_0),
    Q6_K(18, GgufType.Q6_K, GgufType.Q6_K),
    Q5_K_M(17, GgufType.Q5_K, GgufType.Q6_K),
    Q4_K_M(15, GgufType.Q4_K, GgufType.Q6_K),
    Q4_1(3, GgufType.Q4_1, GgufType.Q6_K),
    Q4_0(2, GgufType.Q4_0, GgufType.Q6_K),
    MXFP4(38, GgufType.MXFP4, GgufType.Q8_0);

    /// Matrices that stay float32: small ones, on which much depends.
    private static final Set<String> PLAIN =
            Set.of(
                    "ffn_gate_inp.weight",
                    "ffn_gate_inp_shexp.weight",
                    "ssm_conv1d.weight",
                    "ssm_conv1d_q.weight",
                    "ssm_conv1d_k.weight",
                    "ssm_conv1d_v.weight",
                    "shortconv.conv.weight",
                    "position_embd.weight",
                    "per_layer_model_proj.weight");

    private final int number;
    private final GgufType usual;
    private final GgufType better;

    /// @param number `general.file_type`
    /// @param better of the output layer and, in `_M` mixes, of matrices that matter more
    GgufFileType(int number, GgufType usual, GgufType better) {
        this.number = number;
        this.usual = usual;
        this.better = better;
    }

    /// The type of a name such as `q4_k_m`; empty if there is none.
    public static Optional<GgufFileType> ofName(String name) {
        return Arrays.stream(values()).filter(t -> t.title().equals(name)).findFirst();
    }

    /// Its name on the command line.
    public String title() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Whether scales are searched, so that it matters how much errors count.
    public boolean isSearched() {
        return switch (this) {
            case Q6_K, Q5_K_M, Q4_K_M -> true;
            case F32, F16, BF16, Q8_0, Q4_1, Q4_0, MXFP4 -> false;
        };
    }

    /// Names of all types.
    public static List<String> titles() {
        return Arrays.stream(values()).map(GgufFileType::title).toList();
    }

    /// `general.file_type`.
    long number() {
        return number;
    }

    /// The type of a tensor.
    ///
    /// @param tied    whether the embedding is the output layer too
    /// @param experts whether the model has experts
    GgufType of(String tensor, long[] shape, int layers, boolean tied, boolean experts) {
        String[] parts = tensor.split("\\.", 3);
        String name = parts[0].equals("blk") ? parts[2] : tensor;
        if (shape.length < 2
                || !name.endsWith(".weight")
                || name.endsWith("_norm.weight")
                || name.startsWith("altup_")
                || name.startsWith("laurel_")
                || PLAIN.contains(name)) {
            return GgufType.F32;
        }
        int layer = parts[0].equals("blk") ? Integer.parseInt(parts[1]) : -1;
        return fitting(wanted(name, layer, layers, tied, experts), shape[shape.length - 1]);
    }

    private GgufType wanted(String name, int layer, int layers, boolean tied, boolean experts) {
        boolean output = name.equals("output.weight") || tied && name.equals("token_embd.weight");
        return switch (this) {
            case F32, F16, BF16, Q8_0, Q6_K -> usual;
            case Q4_1, Q4_0 -> output ? better : usual;
            case MXFP4 -> layer < 0 || experts && !name.contains("_exps.") ? better : usual;
            case Q5_K_M, Q4_K_M -> {
                boolean matters = name.equals("attn_v.weight") || name.startsWith("ffn_down");
                if (name.equals("attn_qkv.weight")) {
                    yield this == Q4_K_M ? GgufType.Q5_K : GgufType.Q6_K;
                }
                yield output || matters && isMore(layer, layers) ? better : usual;
            }
        };
    }

    /// The first and last eighth of the blocks, and every third between.
    private static boolean isMore(int layer, int layers) {
        int eighth = layers / 8;
        return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
    }

    /// Rows that aren't whole blocks get a type with smaller blocks, of about the same error.
    private static GgufType fitting(GgufType wanted, long columns) {
        GgufType type = wanted;
        if (columns % type.block() != 0) {
            type =
                    switch (type) {
                        case Q4_K -> GgufType.Q5_0;
                        case Q5_K -> GgufType.Q5_1;
                        case Q6_K -> GgufType.Q8_0;
                        default -> GgufType.F16;
                    };
        }
        return columns % type.block() == 0 ? type : GgufType.F16;
    }
}
