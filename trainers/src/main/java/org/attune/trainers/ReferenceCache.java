package org.attune.trainers;

import org.attune.files.SafeTensorsFile;
import org.attune.files.SafeTensorsWriter;
import org.attune.files.TensorFile;
import org.attune.tensor.DType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/// Reference log-probabilities on disk, one file for each combination of data and reference.
///
/// @param folder where the files are; created when needed
/// @param reference tells this reference, and how it sums tokens, from others
record ReferenceCache(Path folder, String reference) {
    private static final Logger LOG = LoggerFactory.getLogger(ReferenceCache.class);

    /// What is on disk for these rows, else what `compute` gives, which is then written.
    ///
    /// @param rows the rows' fingerprint
    /// @param columns names of the numbers of a row
    /// @param compute gives one array for each column, with one number for each row
    List<double[]> get(String rows, List<String> columns, Supplier<List<double[]>> compute) {
        String key = Fingerprints.ofText(rows + "/" + reference);
        Path file = folder.resolve("reference-" + key + ".safetensors");
        if (Files.exists(file)) {
            LOG.info("reference log-probabilities read from {}", file);
            return read(file, columns);
        }
        List<double[]> computed = compute.get();
        write(file, columns, computed);
        return computed;
    }

    private static List<double[]> read(Path file, List<String> columns) {
        try (TensorFile tensors = SafeTensorsFile.open(file);
                Arena arena = Arena.ofConfined()) {
            return columns.stream()
                    .map(name -> tensors.read(name, arena).toArray(ValueLayout.JAVA_DOUBLE))
                    .toList();
        }
    }

    private static void write(Path file, List<String> columns, List<double[]> values) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
        } catch (IOException e) {
            LOG.warn("{} can't be created, nothing is cached: {}", file.getParent(), e.toString());
            return;
        }
        List<SafeTensorsWriter.Source> sources = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            sources.add(source(columns.get(i), values.get(i)));
        }
        SafeTensorsWriter.write(file, sources);
    }

    private static SafeTensorsWriter.Source source(String name, double[] values) {
        return new SafeTensorsWriter.Source(
                name,
                DType.FLOAT64,
                new long[] {values.length},
                arena -> arena.allocateFrom(ValueLayout.JAVA_DOUBLE, values));
    }
}
