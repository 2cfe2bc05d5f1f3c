package org.attune.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.tensor.DType;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/// Reading of recorded cases: safetensors and JSON.
public final class Recorded implements AutoCloseable {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final SafeTensorsFile file;

    private Recorded(SafeTensorsFile file) {
        this.file = file;
    }

    public static Recorded tensors(Path path) {
        return new Recorded(SafeTensorsFile.open(path));
    }

    public static JsonNode json(Path path) {
        try {
            return MAPPER.readTree(path.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Sub-folders in alphabetical order.
    public static List<Path> folders(Path parent) {
        try (var list = Files.list(parent)) {
            return list.filter(Files::isDirectory).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Set<String> names() {
        return file.entries().keySet();
    }

    public long[] shape(String name) {
        return file.entries().get(name).shape();
    }

    public float[] floats(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = file.read(name, arena);
            if (file.entries().get(name).dtype() != DType.FLOAT32) {
                throw new IllegalArgumentException(name + " is not float32");
            }
            return data.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    public int[] ints(String name) {
        try (Arena arena = Arena.ofConfined()) {
            return Arrays.stream(file.read(name, arena).toArray(ValueLayout.JAVA_LONG))
                    .mapToInt(Math::toIntExact)
                    .toArray();
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
