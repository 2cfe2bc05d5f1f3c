package org.attune.files.safetensors;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ModelException;
import org.attune.files.AtomicFile;
import org.attune.files.TensorFile;
import org.attune.files.WrittenHashes;
import org.attune.json.Json;
import org.attune.tensor.DType;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;

/// Writes safetensors files, whole or not at all ([AtomicFile]). Tensors are asked for one by
/// one,
/// in the order given, so a model larger than the memory can be written.
public final class SafeTensorsWriter {
    /// What transformers and PEFT write and expect.
    private static final Map<String, String> METADATA = Map.of("format", "pt");

    private static final long CHUNK = 64L << 20;

    private SafeTensorsWriter() {}

    /// One tensor to write.
    ///
    /// @param name  as Hugging Face or PEFT spells it
    /// @param dtype element type
    /// @param shape row-major, outermost first
    /// @param data  gives the elements, little endian; memory that must live only until the
    ///     tensor
    ///     is written belongs into the arena
    public record Source(
            String name, DType dtype, long[] shape, Function<Arena, MemorySegment> data) {
        /// A tensor that is copied from a file as it is.
        public static Source copyOf(TensorFile file, TensorFile.Entry entry) {
            return new Source(
                    entry.name(), entry.dtype(), entry.shape(), a -> file.read(entry.name(), a));
        }

        /// A tensor that is put together from others, of which one is in memory at a time.
        ///
        /// @param parts at least one, all of one dtype, each with what copies into the whole (the
        ///     first argument) the elements of the part (the second)
        public static Source joined(
                String name,
                long[] shape,
                Map<Source, BiConsumer<MemorySegment, MemorySegment>> parts) {
            DType dtype = parts.keySet().iterator().next().dtype();
            long bytes = new TensorFile.Entry(name, dtype, shape).bytes();
            return new Source(
                    name,
                    dtype,
                    shape,
                    arena -> {
                        MemorySegment whole = arena.allocate(bytes, Long.BYTES);
                        parts.forEach((part, place) -> part.copyInto(whole, place));
                        return whole;
                    });
        }

        private void copyInto(MemorySegment whole, BiConsumer<MemorySegment, MemorySegment> place) {
            try (Arena own = Arena.ofConfined()) {
                place.accept(whole, data.apply(own));
            }
        }

        /// Bytes of the elements.
        public long bytes() {
            return new TensorFile.Entry(name, dtype, shape).bytes();
        }
    }

    /// Writes `tensors` to `file`.
    ///
    /// @throws ModelException if writing fails or a source gives a wrong number of bytes;
    ///     `file` is
    ///     then as it was
    public static void write(Path file, List<Source> tensors) {
        write(file, tensors, METADATA);
    }

    /// Writes `tensors` to `file` with other strings in `__metadata__`.
    public static void write(Path file, List<Source> tensors, Map<String, String> metadata) {
        byte[] header = header(tensors, metadata);
        try {
            Optional<MessageDigest> digest = WrittenHashes.digest();
            AtomicFile.write(file, channel -> writeTo(new Sink(channel, digest), header, tensors));
            if (digest.isPresent()) {
                WrittenHashes.keep(file, digest.get());
            }
        } catch (IOException e) {
            throw new ModelException(
                    "%s can't be written: %s; free space or choose another folder"
                            .formatted(file, e.getMessage()),
                    e);
        }
    }

    private static byte[] header(List<Source> tensors, Map<String, String> metadata) {
        ObjectNode json = Json.object();
        ObjectNode strings = json.putObject("__metadata__");
        metadata.forEach(strings::put);
        var names = new HashSet<String>();
        long offset = 0;
        for (Source tensor : tensors) {
            if (!names.add(tensor.name())) {
                throw new IllegalArgumentException("two tensors \"" + tensor.name() + "\"");
            }
            ObjectNode entry = json.putObject(tensor.name());
            entry.put("dtype", tensor.dtype().fileName());
            var shape = entry.putArray("shape");
            Arrays.stream(tensor.shape()).forEach(shape::add);
            entry.putArray("data_offsets").add(offset).add(offset + tensor.bytes());
            offset += tensor.bytes();
        }
        String text = json.toString();
        int length = text.getBytes(StandardCharsets.UTF_8).length;
        // Readers map the file: the data begin at a multiple of 8, which spaces fill up to.
        return (text + " ".repeat(-length & 7)).getBytes(StandardCharsets.UTF_8);
    }

    private static void writeTo(Sink sink, byte[] header, List<Source> tensors) throws IOException {
        var start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
        sink.write(start.putLong(header.length).put(header).flip());
        for (Source tensor : tensors) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment data = tensor.data().apply(arena);
                if (data.byteSize() != tensor.bytes()) {
                    throw new ModelException(
                            "tensor \"%s\" has %d bytes, but %s of shape %s needs %d"
                                    .formatted(
                                            tensor.name(),
                                            data.byteSize(),
                                            tensor.dtype().fileName(),
                                            Arrays.toString(tensor.shape()),
                                            tensor.bytes()));
                }
                for (long done = 0; done < data.byteSize(); done += CHUNK) {
                    long length = Math.min(CHUNK, data.byteSize() - done);
                    sink.write(data.asSlice(done, length).asByteBuffer());
                }
            }
        }
    }

    /// @param digest of what was written, if anyone asks for it
    private record Sink(FileChannel channel, Optional<MessageDigest> digest) {
        void write(ByteBuffer bytes) throws IOException {
            digest.ifPresent(d -> d.update(bytes.duplicate()));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }
    }
}
