package org.attune.trainers;

import org.attune.datasets.PreferenceExample;
import org.attune.files.SafeTensorsFile;
import org.attune.files.SafeTensorsWriter;
import org.attune.files.TensorFile;
import org.attune.tensor.DType;
import org.attune.trainers.preference.ReferenceLogProbs;
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
import java.util.function.ToDoubleFunction;

/// Reference log-probabilities on disk, one file for each combination of data and reference.
///
/// @param folder where the files are; created when needed
/// @param reference tells this reference, and how it sums tokens, from others
record ReferenceCache(Path folder, String reference) {
    private static final Logger LOG = LoggerFactory.getLogger(ReferenceCache.class);
    private static final String CHOSEN = "ref_chosen_logps";
    private static final String REJECTED = "ref_rejected_logps";

    /// What is on disk for these pairs, else what `compute` gives, which is then written.
    List<ReferenceLogProbs> get(
            List<PreferenceExample> pairs, Supplier<List<ReferenceLogProbs>> compute) {
        String key = Fingerprints.ofText(Fingerprints.ofPairs(pairs) + "/" + reference);
        Path file = folder.resolve("reference-" + key + ".safetensors");
        if (Files.exists(file)) {
            LOG.info("reference log-probabilities of {} pairs read from {}", pairs.size(), file);
            return read(file);
        }
        List<ReferenceLogProbs> computed = compute.get();
        write(file, computed);
        return computed;
    }

    private static List<ReferenceLogProbs> read(Path file) {
        try (TensorFile tensors = SafeTensorsFile.open(file);
                Arena arena = Arena.ofConfined()) {
            double[] chosen = tensors.read(CHOSEN, arena).toArray(ValueLayout.JAVA_DOUBLE);
            double[] rejected = tensors.read(REJECTED, arena).toArray(ValueLayout.JAVA_DOUBLE);
            List<ReferenceLogProbs> rows = new ArrayList<>();
            for (int i = 0; i < chosen.length; i++) {
                rows.add(new ReferenceLogProbs(chosen[i], rejected[i]));
            }
            return rows;
        }
    }

    private static void write(Path file, List<ReferenceLogProbs> rows) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
        } catch (IOException e) {
            LOG.warn("{} can't be created, nothing is cached: {}", file.getParent(), e.toString());
            return;
        }
        SafeTensorsWriter.write(
                file,
                List.of(
                        source(CHOSEN, rows, ReferenceLogProbs::chosen),
                        source(REJECTED, rows, ReferenceLogProbs::rejected)));
    }

    private static SafeTensorsWriter.Source source(
            String name, List<ReferenceLogProbs> rows, ToDoubleFunction<ReferenceLogProbs> side) {
        double[] values = rows.stream().mapToDouble(side).toArray();
        return new SafeTensorsWriter.Source(
                name,
                DType.FLOAT64,
                new long[] {values.length},
                arena -> arena.allocateFrom(ValueLayout.JAVA_DOUBLE, values));
    }
}
