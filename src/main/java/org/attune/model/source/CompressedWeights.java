package org.attune.model.source;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.json.Json;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.TensorNames;
import org.attune.tensor.DType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/// Matrices of 8 bits with a scale for each row, as compressed-tensors writes them, and the
/// `quantization_config` that describes them. Scales and codes are those of its observer of
/// minimum and maximum: the scale is rounded to its type first, codes are rounded to even.
final class CompressedWeights {
    private static final String WEIGHT = ".weight";
    private static final String SCALE = "_scale";
    private static final String VERSION = "0.20.1"; // whose fields are written

    private static final float INT8_HALF = 127.5f; // of what int8 spans
    private static final float FLOAT8_MOST = 448;
    private static final float FLOAT8_NORMAL = 0x1p-6f;
    private static final int FLOAT8_BIAS = 7;
    private static final int FLOAT8_MANTISSA = 3;
    private static final int FLOAT8_NAN = 127;
    private static final int FLOAT_MANTISSA = 23;

    private CompressedWeights() {}

    /// What compressed-tensors calls `Linear` must be modules of the files.
    static void requireModules(DecoderConfig config) {
        TensorNames names = config.names();
        if (names.transposed()) {
            throw new ModelException(
                    "8 bits of compressed-tensors: this family's matrices are transformers' Conv1D,"
                            + " which it leaves as they are; accepted: families of linear modules."
                            + " Use --gguf q8_0");
        }
        Optional<TensorNames.Stored> stored = names.experts().flatMap(TensorNames.Experts::stored);
        for (int layer = 0; stored.isPresent() && layer < config.layers(); layer++) {
            if (config.block().feedForward().experts(layer).isPresent()) {
                throw new ModelException(
                        ("8 bits of compressed-tensors: this family's files hold all experts of a"
                             + " block in one tensor (%s%s), for which it has no form; accepted:"
                             + " families without experts, or with each in tensors by itself. Use"
                             + " --gguf q8_0")
                                .formatted(names.block(layer), stored.get().up()));
            }
        }
    }

    /// A matrix as its codes and their scales.
    ///
    /// @param matrix `(out, in)` in float32
    /// @param codes INT8 or FLOAT8
    /// @param scales type of a scale, `(out, 1)`
    static List<Source> of(Source matrix, DType codes, DType scales) {
        int rows = Math.toIntExact(matrix.shape()[0]);
        int columns = Math.toIntExact(matrix.shape()[1]);
        return List.of(
                new Source(
                        matrix.name(),
                        codes,
                        matrix.shape(),
                        arena -> {
                            float[] row = new float[columns];
                            MemorySegment all = matrix.data().apply(arena);
                            MemorySegment target = arena.allocate((long) rows * columns);
                            for (int i = 0; i < rows; i++) {
                                read(all, i, row);
                                code(row, scale(row, codes, scales), codes, target, i);
                            }
                            return target;
                        }),
                new Source(
                        matrix.name() + SCALE,
                        scales,
                        new long[] {rows, 1},
                        arena -> {
                            float[] row = new float[columns];
                            MemorySegment all = matrix.data().apply(arena);
                            MemorySegment target = arena.allocate((long) rows * scales.bytes(), 8);
                            for (int i = 0; i < rows; i++) {
                                read(all, i, row);
                                StoredFloats.put(scale(row, codes, scales), scales, target, i);
                            }
                            return target;
                        }));
    }

    private static void read(MemorySegment matrix, int row, float[] to) {
        long from = (long) row * to.length * Float.BYTES;
        MemorySegment.copy(matrix, ValueLayout.JAVA_FLOAT, from, to, 0, to.length);
    }

    private static float scale(float[] row, DType codes, DType scales) {
        float most = 0;
        for (float value : row) {
            most = Math.max(most, Math.abs(value)); // NaN stays
        }
        float exact = most / (codes == DType.INT8 ? INT8_HALF : FLOAT8_MOST);
        float rounded = StoredFloats.rounded(exact, scales);
        return rounded == 0 ? StoredFloats.step(scales) : rounded;
    }

    private static void code(float[] row, float scale, DType codes, MemorySegment target, int at) {
        long first = (long) at * row.length;
        for (int i = 0; i < row.length; i++) {
            float value = row[i] / scale;
            byte code = codes == DType.INT8 ? int8(value) : float8(value);
            target.set(ValueLayout.JAVA_BYTE, first + i, code);
        }
    }

    private static byte int8(float value) {
        return (byte) Math.clamp((long) Math.rint(value), Byte.MIN_VALUE, Byte.MAX_VALUE);
    }

    /// The nearest number of four bits of exponent and three of mantissa, to even.
    static byte float8(float value) {
        if (Float.isNaN(value)) {
            return FLOAT8_NAN;
        }
        float size = Math.min(Math.abs(value), FLOAT8_MOST);
        int code;
        if (size < FLOAT8_NORMAL) {
            code = (int) Math.rint(size / FLOAT8_NORMAL * (1 << FLOAT8_MANTISSA));
        } else {
            int shift = FLOAT_MANTISSA - FLOAT8_MANTISSA;
            int bits = Float.floatToRawIntBits(size);
            int even = (1 << shift - 1) - 1 + (bits >> shift & 1);
            int bias = Float.MAX_EXPONENT - FLOAT8_BIAS << FLOAT8_MANTISSA;
            code = (bits + even >> shift) - bias;
        }
        return (byte) (value < 0 ? code | 1 << Byte.SIZE - 1 : code);
    }

    /// The `quantization_config` of a model's tensors; empty if none of them has codes and scales.
    ///
    /// @param embedding module that looks up rows
    /// @param module    what transformers calls a module of the files; vLLM goes by the files'
    ///     names
    static Optional<ObjectNode> config(
            List<Source> tensors, String embedding, UnaryOperator<String> module) {
        Set<String> names = new HashSet<>();
        tensors.forEach(t -> names.add(t.name()));
        Set<String> kept = new TreeSet<>(Set.of("lm_head")); // it may be the embedding
        Optional<DType> codes = Optional.empty();
        for (Source t : tensors) {
            if (names.contains(t.name() + SCALE)) {
                codes = Optional.of(t.dtype());
            } else if (t.shape().length > 1 && t.name().endsWith(WEIGHT)) {
                String inFile = t.name().substring(0, t.name().length() - WEIGHT.length());
                kept.addAll(Arrays.asList(inFile, module.apply(inFile)));
            }
        }
        kept.removeIf(name -> module.apply(name).equals(embedding));
        return codes.map(type -> config(type == DType.INT8, kept));
    }

    private static ObjectNode config(boolean whole, Set<String> kept) {
        String format = whole ? "int-quantized" : "float-quantized";
        ObjectNode json = Json.object();
        ObjectNode group = json.putObject("config_groups").putObject("group_0");
        group.put("format", format);
        putNumbers(group.putObject("input_activations"), whole, "token", true);
        group.putNull("output_activations");
        group.putArray("targets").add("Linear");
        putNumbers(group.putObject("weights"), whole, "channel", false);
        json.put("format", format);
        json.putNull("global_compression_ratio");
        kept.forEach(json.putArray("ignore")::add);
        json.putNull("kv_cache_scheme");
        json.put("quant_method", "compressed-tensors");
        json.put("quantization_status", "compressed");
        json.put("version", VERSION);
        return json;
    }

    private static void putNumbers(
            ObjectNode json, boolean whole, String strategy, boolean dynamic) {
        json.put("dynamic", dynamic);
        json.putNull("group_size");
        json.put("num_bits", Byte.SIZE);
        json.put("strategy", strategy);
        json.put("symmetric", true);
        json.put("type", whole ? "int" : "float");
    }
}
