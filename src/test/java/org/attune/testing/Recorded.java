package org.attune.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.tensor.DType;
import org.junit.jupiter.api.Assumptions;

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

    /// Sub-folders with a recorded run of a trainer, by its `config.json`. The test is skipped
    /// where only other trainers made runs.
    ///
    /// @throws AssertionError if the folder has no recorded run at all
    public static List<Path> runs(Path parent, String trainer) {
        List<Path> all = folders(parent).stream().filter(f -> !trainer(f).isEmpty()).toList();
        if (all.isEmpty()) {
            throw new AssertionError(parent + " holds no recorded run");
        }
        List<Path> own = all.stream().filter(f -> trainer(f).equals(trainer)).toList();
        if (own.isEmpty()) {
            String message = "skipped: " + parent + " has no run of " + trainer;
            System.out.println(message);
            Assumptions.abort(message);
        }
        return own;
    }

    /// Which trainer made a folder's run; empty if it holds something else, such as a model.
    public static String trainer(Path folder) {
        Path config = folder.resolve("config.json");
        return Files.exists(config) ? json(config).path("trainer").asText() : "";
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
