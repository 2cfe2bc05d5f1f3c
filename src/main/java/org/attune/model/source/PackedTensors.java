package org.attune.model.source;

import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
import org.attune.model.source.GroupedTensors.Matrix;
import org.attune.model.source.GroupedTensors.Piece;
import org.attune.model.source.GroupedTensors.Shares;
import org.attune.tensor.DType;
import org.attune.tensor.vector.GroupRows;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Makes matrices of folders of GPTQ ([Frantar et al. 2022](https://arxiv.org/abs/2210.17323)) and
/// AWQ ([Lin et al. 2023](https://arxiv.org/abs/2306.00978)): `qweight`, `qzeros`, `scales` and
/// GPTQ's `g_idx` in the place of `weight`.
final class PackedTensors {
    private static final String CODES = ".qweight";
    private static final int AWQ_BITS = 4;
    private static final int DEFAULT_GROUP = 128; // both libraries'
    private static final Set<Integer> GPTQ_BITS = Set.of(4, 8);

    private final CodedTensors tensors;
    private final GroupedTensors grouped;
    private final int bits;
    private final int size; // columns of a group; -1: all
    private final int add; // to zeros
    private final boolean awq;

    private PackedTensors(CodedTensors tensors, int bits, int size, int add, boolean awq) {
        this.tensors = tensors;
        grouped = new GroupedTensors(tensors);
        this.bits = bits;
        this.size = size;
        this.add = add;
        this.awq = awq;
    }

    /// Adds all matrices of a folder of GPTQ.
    ///
    /// @param json its `quantization_config`
    static void addGptq(JsonFields json, CodedTensors tensors) {
        int bits = json.integer("bits");
        if (!GPTQ_BITS.contains(bits)) {
            throw json.invalid("bits", "4, 8");
        }
        if (!json.text("pack_dtype", "int32").equals("int32")) {
            throw json.invalid("pack_dtype", "int32");
        }
        if (json.flag("is_marlin_format", false)) {
            throw json.invalid("is_marlin_format", "false");
        }
        requireAlike(json);
        String key = json.has("checkpoint_format") ? "checkpoint_format" : "format";
        String format = json.text(key, "gptq").toLowerCase(Locale.ROOT);
        if (!format.equals("gptq") && !format.equals("gptq_v2")) {
            throw json.invalid(key, "gptq, gptq_v2");
        }
        // The first form has zeros less by one.
        int add = format.equals("gptq") ? 1 : 0;
        new PackedTensors(tensors, bits, groupSize(json, "group_size"), add, false).addAll();
    }

    /// Rules for single modules may only leave them dense, which their tensors say themselves.
    private static void requireAlike(JsonFields json) {
        Optional<JsonFields> rules = json.object("dynamic");
        if (rules.isPresent()
                && rules.get().keys().stream().anyMatch(rule -> !rule.startsWith("-:"))) {
            throw json.invalid("dynamic", "rules that begin with -: and leave modules dense");
        }
    }

    /// Adds all matrices of a folder of AWQ.
    ///
    /// @param json its `quantization_config`
    static void addAwq(JsonFields json, CodedTensors tensors) {
        String key = json.has("bits") ? "bits" : "w_bit";
        if (json.integer(key) != AWQ_BITS) {
            throw json.invalid(key, "4");
        }
        String form = json.has("version") ? "version" : "format";
        if (!json.text(form, "gemm").equalsIgnoreCase("gemm")) {
            throw json.invalid(form, "gemm");
        }
        if (json.text("backend", "").equals("llm-awq")) {
            throw json.invalid("backend", "autoawq");
        }
        int size = groupSize(json, json.has("group_size") ? "group_size" : "q_group_size");
        new PackedTensors(tensors, AWQ_BITS, size, 0, true).addAll();
    }

    private static int groupSize(JsonFields json, String key) {
        int size = json.integer(key, DEFAULT_GROUP);
        if (size < 1 && size != -1) {
            throw json.invalid(key, "-1 for whole rows, or at least 1");
        }
        return size;
    }

    private void addAll() {
        for (String name : tensors.stored().keySet()) {
            if (name.endsWith(CODES)) {
                add(name.substring(0, name.length() - CODES.length()));
            }
        }
    }

    private void add(String path) {
        TensorFile.Entry codes = tensors.stored(path + CODES, DType.INT32);
        int each = PackedInts.each(bits);
        int[] sides = tensors.sides(codes);
        int in = awq ? sides[0] : sides[0] * each;
        int out = awq ? sides[1] * each : sides[1];
        TensorFile.Entry scales = grouped.scales(path + ".scales");
        int count = tensors.sides(scales)[0];
        int columns = size == -1 ? in : size;
        boolean fits =
                scales.dtype() != DType.UINT8
                        && scales.shape()[1] == out
                        && count == (in + columns - 1) / columns
                        && in % 2 == 0;
        if (!fits) {
            throw tensors.invalid(
                    scales.name(),
                    "shape (%d, %d) by the group_size %d"
                            .formatted((in + columns - 1) / columns, out, columns));
        }
        String zeros = path + ".qzeros";
        tensors.stored(zeros, DType.INT32);
        tensors.require(zeros, (long) count * ((out + each - 1) / each) * Integer.BYTES);
        GroupRows.Scales.Kind kind = GroupedTensors.kind(scales);
        grouped.put(
                new Matrix(
                        path + ".weight",
                        (awq ? "AWQ" : "GPTQ") + " of %d bits".formatted(bits),
                        out,
                        in,
                        bits == AWQ_BITS ? GroupRows.Codes.WHOLE4 : GroupRows.Codes.WHOLE8,
                        numbers(codes, out, in),
                        new Shares(1, columns, count, kind),
                        new Piece(
                                scales.name(),
                                scales.bytes(),
                                (from, to) ->
                                        PackedInts.turned(from, to, out, count, kind.bytes())),
                        Optional.of(
                                new Piece(
                                        zeros,
                                        (long) out * count,
                                        (from, to) ->
                                                PackedInts.zeros(
                                                        from, to, out, count, bits, add, awq))),
                        0,
                        awq
                                ? Optional.empty()
                                : grouped.groups(path + ".g_idx", in, columns, count)));
    }

    private Piece numbers(TensorFile.Entry codes, int out, int in) {
        return new Piece(
                codes.name(),
                codes.bytes(),
                awq
                        ? (from, to) -> PackedInts.awq(from, to, out, in)
                        : (from, to) -> PackedInts.columns(from, to, out, in, bits));
    }
}
