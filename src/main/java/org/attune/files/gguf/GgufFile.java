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
import java.util.OptionalInt;

/// Tensors and metadata of a GGUF file. Tensors have the file's names and Hugging Face's row order:
/// the query and key rows that llama.cpp's converter permutes for `llama` and its like are put
/// back.
/// Quantised tensors come out as float32, bit for bit as ggml dequantises them; float16 and
/// bfloat16 stay what they are. `read` may be called from several threads.
public final class GgufFile implements TensorFile {
    private final DataChannel channel;
    private final GgufHeader header;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private GgufFile(DataChannel channel, GgufHeader header) {
        this.channel = channel;
        this.header = header;
        header.tensors()
                .forEach(
                        (name, tensor) ->
                                entries.put(
                                        name,
                                        new Entry(name, tensor.type().dtype(), tensor.shape())));
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

    /// Numbers of a float32 vector; empty if there is none.
    ///
    /// @throws ModelException if it has another type
    public Optional<List<Double>> vector(String name) {
        GgufHeader.Tensor tensor = header.tensors().get(name);
        if (tensor == null) {
            return Optional.empty();
        }
        if (tensor.type() != GgufType.F32 || tensor.shape().length != 1) {
            throw new ModelException(
                    "%s: %s has type %s and %d dimensions; accepted: a vector of F32"
                            .formatted(path(), name, tensor.type(), tensor.shape().length));
        }
        try (Arena arena = Arena.ofConfined()) {
            float[] values = read(tensor, arena).toArray(ValueLayout.JAVA_FLOAT);
            var all = new Double[values.length];
            for (int i = 0; i < values.length; i++) {
                all[i] = (double) values[i];
            }
            return Optional.of(List.of(all));
        }
    }

    /// Writes neighbouring rows of a tensor. Rows of a vector are its numbers.
    ///
    /// @param first  row, of those of all matrices of the tensor
    /// @param rows   how many
    /// @param as     a type that this file [#gives]
    /// @param target as many bytes as they have
    public void readRows(String name, long first, long rows, DType as, MemorySegment target) {
        GgufHeader.Tensor tensor = tensor(name);
        long columns = tensor.shape().length < 2 ? 1 : tensor.shape()[tensor.shape().length - 1];
        if (first == 0 && rows * columns == tensor.count()) {
            read(tensor, as, target);
            return;
        }
        if (!rowOrder(tensor).isIdentity()) {
            throw new ModelException(
                    "%s: rows of tensor \"%s\" can't be read one by one".formatted(path(), name));
        }
        long position = tensor.position() + tensor.type().bytes(first * columns);
        long[] shape = {rows, columns};
        read(new GgufHeader.Tensor(name, tensor.type(), shape, position), as, target);
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        return read(tensor(name), arena);
    }

    /// Quantised tensors also come out as bfloat16, rounded where they are dequantised.
    @Override
    public boolean gives(String name, DType as) {
        GgufHeader.Tensor tensor = header.tensors().get(name);
        return TensorFile.super.gives(name, as)
                || tensor != null && tensor.type().isQuantised() && as == DType.BFLOAT16;
    }

    @Override
    public void read(String name, DType as, MemorySegment target) {
        read(tensor(name), as, target);
    }

    /// Whether [#readBlocks] can read rows of a tensor.
    ///
    /// @param rows how many
    public boolean hasBlocks(String name, long rows) {
        GgufHeader.Tensor tensor = tensor(name);
        long[] shape = tensor.shape();
        return tensor.type().isQuantised()
                && tensor.type().isSupported()
                && header.order() == ByteOrder.LITTLE_ENDIAN
                && shape.length > 1
                && shape[shape.length - 1] % tensor.type().block() == 0
                && (rowOrder(tensor).isIdentity() || shape.length == 2 && rows == shape[0]);
    }

    /// Writes the blocks of neighbouring rows as they are in the file, in Hugging Face's order of
    /// rows.
    ///
    /// @param first row, of those of all matrices of the tensor
    /// @param target as many bytes as these rows' blocks have
    public void readBlocks(String name, long first, MemorySegment target) {
        GgufHeader.Tensor tensor = tensor(name);
        long[] shape = tensor.shape();
        long bytes = tensor.type().bytes(shape[shape.length - 1]);
        long position = tensor.position() + first * bytes;
        TensorRows order = rowOrder(tensor);
        if (order.isIdentity()) {
            channel.read(position, target);
            return;
        }
        for (long row = 0; row < target.byteSize() / bytes; row++) {
            long to = order.target(row) * bytes;
            channel.read(position + row * bytes, target.asSlice(to, bytes));
        }
    }

    private GgufHeader.Tensor tensor(String name) {
        GgufHeader.Tensor tensor = header.tensors().get(name);
        if (tensor == null) {
            throw new ModelException(
                    "%s holds no tensor \"%s\"; it has %d, e.g. %s"
                            .formatted(
                                    path(),
                                    name,
                                    entries.size(),
                                    entries.keySet().stream().limit(5).toList()));
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
        String architecture = metadata().optionalText("general.architecture").orElse("");
        if (!GgufNames.turns(architecture, tensor.name())) {
            return TensorRows.IDENTITY;
        }
        String count = architecture + ".attention.head_count";
        int heads = metadata().integer(count);
        int kvHeads = keyHeads(count + "_kv").orElse(heads);
        long rows = tensor.shape()[0];
        int groups = GgufNames.isQuery(tensor.name()) ? heads : kvHeads;
        if (groups <= 0 || rows % groups != 0 || rows / groups % 2 != 0) {
            throw new ModelException(
                    "%s: tensor \"%s\" has %d rows, which can't be %d heads of even size"
                            .formatted(path(), tensor.name(), rows, groups));
        }
        return new TensorRows((int) (rows / groups));
    }

    /// Of a list, the heads of the blocks that have some.
    private OptionalInt keyHeads(String key) {
        return metadata().values().get(key) instanceof List<?> list
                ? list.stream()
                        .mapToInt(heads -> heads instanceof Long n ? n.intValue() : 0)
                        .filter(heads -> heads > 0)
                        .max()
                : metadata().optionalInteger(key);
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
