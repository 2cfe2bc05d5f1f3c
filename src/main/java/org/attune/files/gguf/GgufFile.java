package org.attune.files.gguf;

import org.attune.error.ModelException;
import org.attune.files.DataChannel;
import org.attune.files.TensorFile;
import org.attune.files.TensorRows;
import org.attune.tensor.DType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Tensors and metadata of a GGUF file. Tensors have Hugging Face's names, shapes and row order:
/// the query and key rows that llama.cpp's converter permutes for architecture `llama` are put
/// back.
/// Quantised tensors come out as float32, bit for bit as ggml dequantises them; float16 and
/// bfloat16 stay what they are. `read` may be called from several threads.
public final class GgufFile implements TensorFile {
    private static final String ROPE_DIVISORS = "rope_freqs.weight";

    private final DataChannel channel;
    private final GgufHeader header;
    private final Map<String, GgufHeader.Tensor> tensors = new LinkedHashMap<>();
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private GgufFile(DataChannel channel, GgufHeader header) {
        this.channel = channel;
        this.header = header;
        for (GgufHeader.Tensor tensor : header.tensors().values()) {
            if (tensor.name().equals(ROPE_DIVISORS)) {
                continue;
            }
            String name = GgufNames.toHuggingFace(tensor.name());
            if (tensors.put(name, tensor) != null) {
                throw new ModelException(channel.file() + " holds two tensors \"" + name + "\"");
            }
            entries.put(name, new Entry(name, tensor.type().dtype(), tensor.shape()));
        }
    }

    /// Opens a file and checks its header.
    ///
    /// @throws ModelException if it is absent, damaged or no GGUF file
    public static GgufFile open(Path file) {
        DataChannel channel = DataChannel.open(file);
        try {
            return new GgufFile(channel, GgufHeader.read(channel));
        } catch (RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /// The file.
    public Path path() {
        return channel.file();
    }

    /// Version of the format.
    public int version() {
        return header.version();
    }

    /// Key-value pairs of the header.
    public GgufMetadata metadata() {
        return header.metadata();
    }

    @Override
    public Map<String, Entry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    /// Type of a tensor in the file.
    public GgufType type(String name) {
        return tensor(name).type();
    }

    /// First byte of a tensor in the file.
    long position(String name) {
        return tensor(name).position();
    }

    /// Divisors of the inverse rotary frequencies (`rope_freqs.weight`), which Llama 3.1 files
    /// carry.
    public Optional<List<Double>> ropeDivisors() {
        GgufHeader.Tensor tensor = header.tensors().get(ROPE_DIVISORS);
        if (tensor == null) {
            return Optional.empty();
        }
        if (tensor.type() != GgufType.F32) {
            throw new ModelException(
                    "%s: %s has type %s; accepted: F32"
                            .formatted(path(), ROPE_DIVISORS, tensor.type()));
        }
        try (Arena arena = Arena.ofConfined()) {
            float[] values = read(tensor, arena).toArray(ValueLayout.JAVA_FLOAT);
            var divisors = new Double[values.length];
            for (int i = 0; i < values.length; i++) {
                divisors[i] = (double) values[i];
            }
            return Optional.of(List.of(divisors));
        }
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        return read(tensor(name), arena);
    }

    /// Quantised tensors also come out as bfloat16, rounded where they are dequantised.
    @Override
    public boolean gives(String name, DType as) {
        GgufHeader.Tensor tensor = tensors.get(name);
        return TensorFile.super.gives(name, as)
                || tensor != null && tensor.type().isQuantised() && as == DType.BFLOAT16;
    }

    @Override
    public void read(String name, DType as, MemorySegment target) {
        read(tensor(name), as, target);
    }

    private GgufHeader.Tensor tensor(String name) {
        GgufHeader.Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new ModelException(
                    "%s holds no tensor \"%s\"; it has %d, e.g. %s"
                            .formatted(
                                    path(),
                                    name,
                                    tensors.size(),
                                    tensors.keySet().stream().limit(5).toList()));
        }
        return tensor;
    }

    private MemorySegment read(GgufHeader.Tensor tensor, Arena arena) {
        DType dtype = tensor.type().dtype();
        MemorySegment target = arena.allocate(tensor.count() * dtype.bytes(), 64);
        read(tensor, dtype, target);
        return target;
    }

    private void read(GgufHeader.Tensor tensor, DType as, MemorySegment target) {
        GgufType type = tensor.type();
        if (!type.isSupported()) {
            throw new ModelException(
                    "%s: tensor \"%s\" has type %s, which is not supported; supported: %s"
                            .formatted(path(), tensor.name(), type, supportedTypes()));
        }
        if (header.order() != ByteOrder.LITTLE_ENDIAN && type.isQuantised()) {
            throw new ModelException(
                    "%s: quantised tensors of big-endian files are not supported (\"%s\", %s)"
                            .formatted(path(), tensor.name(), type));
        }
        TensorRows rows = rowOrder(tensor);
        if (type.isQuantised() || !rows.isIdentity()) {
            new GgufRows(channel, tensor, rows, as).read(target);
        } else {
            channel.read(tensor.position(), target);
        }
        if (header.order() != ByteOrder.LITTLE_ENDIAN) {
            reverseBytes(target, type.dtype());
        }
    }

    /// llama.cpp rotates neighbouring features, Hugging Face the two halves of a head, so the
    /// converter for architecture `llama` reorders the rows that make queries and keys.
    private TensorRows rowOrder(GgufHeader.Tensor tensor) {
        boolean query = GgufNames.isQuery(tensor.name());
        if (!query && !GgufNames.isKey(tensor.name())
                || !metadata().optionalText("general.architecture").equals(Optional.of("llama"))) {
            return TensorRows.IDENTITY;
        }
        int heads = metadata().integer("llama.attention.head_count");
        int kvHeads = metadata().optionalInteger("llama.attention.head_count_kv").orElse(heads);
        long rows = tensor.shape()[0];
        int groups = query ? heads : kvHeads;
        if (groups <= 0 || rows % groups != 0 || rows / groups % 2 != 0) {
            throw new ModelException(
                    "%s: tensor \"%s\" has %d rows, which can't be %d heads of even size"
                            .formatted(path(), tensor.name(), rows, groups));
        }
        return new TensorRows((int) (rows / groups));
    }

    private static List<GgufType> supportedTypes() {
        return Arrays.stream(GgufType.values()).filter(GgufType::isSupported).toList();
    }

    private static void reverseBytes(MemorySegment data, DType dtype) {
        int width = dtype.bytes();
        for (long at = 0; at < data.byteSize(); at += width) {
            for (int i = 0; i < width / 2; i++) {
                byte first = data.get(ValueLayout.JAVA_BYTE, at + i);
                byte last = data.get(ValueLayout.JAVA_BYTE, at + width - 1 - i);
                data.set(ValueLayout.JAVA_BYTE, at + i, last);
                data.set(ValueLayout.JAVA_BYTE, at + width - 1 - i, first);
            }
        }
    }

    @Override
    public void close() {
        channel.close();
    }
}
