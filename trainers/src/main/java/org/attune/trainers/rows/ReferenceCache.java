package org.attune.trainers.rows;

import org.attune.error.AttuneException;
import org.attune.error.ModelException;
import org.attune.error.StopRequest;
import org.attune.files.TensorFile;
import org.attune.files.UserCache;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.ranks.Collective;
import org.attune.ranks.SingleProcess;
import org.attune.tensor.DType;
import org.attune.trainers.loop.Fingerprints;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.zip.CRC32C;

/// Reference log-probabilities on disk, one file for each combination of data and reference,
/// written in one piece and checked when it is read. What was computed when a run is stopped stands
/// in a separate file, from which the next run goes on. Where nothing can be written, nothing is
/// kept.
///
/// @param folder where the files are, which several runs may use at a time; created when needed
/// @param reference tells this reference, and how it sums tokens, from others
/// @param ranks processes that share the work and all get the numbers; rank 0 has the files
/// @param agree called by all of them at the same places, for a wish to stop to reach all
record ReferenceCache(Path folder, String reference, Collective ranks, Runnable agree) {
    private static final Logger LOG = LoggerFactory.getLogger(ReferenceCache.class);

    /// How much work a power cut may cost.
    private static final Duration UNSAVED = Duration.ofMinutes(2);

    /// A tensor of one number, the CRC-32C of the others' bytes.
    private static final String CHECK = "crc32c";

    /// Groups that a process computes before they tell each other.
    private static final int GROUPS = 4;

    /// A cache for one process.
    public ReferenceCache(Path folder, String reference) {
        this(folder, reference, new SingleProcess(), () -> {});
    }

    /// The folder in the user's cache.
    static Path folderOfUser() {
        return UserCache.folder("reference");
    }

    /// What is on disk for these rows, else what `score` gives, which is then written.
    ///
    /// @param rows the rows' fingerprint
    /// @param columns names of the numbers of a row
    /// @param groups the rows in their order, as they are computed together
    /// @param score gives a group's numbers, by row and column
    /// @return an array for each column, with a number for each row
    /// @throws org.attune.error.StoppedException if the run is stopped; what was computed is kept
    public <G> List<double[]> get(
            String rows,
            List<String> columns,
            List<List<G>> groups,
            Function<List<G>, List<double[]>> score) {
        String key = Fingerprints.ofText(rows + "/" + reference);
        Path file = folder.resolve("reference-" + key + ".safetensors");
        int count = groups.stream().mapToInt(List::size).sum();
        Path part = folder.resolve("reference-" + key + ".part.safetensors");
        double[][] values = new double[columns.size()][count];
        int known = ranks.writes() ? known(file, part, columns, values) : 0;
        if (ranks.size() > 1) {
            known = told(values, known);
        }
        if (known < count) {
            LOG.info("reference log-probabilities of {} rows are computed, for {}", count, file);
            compute(new Course<>(groups, score, values, part, columns), known);
            if (ranks.writes()) {
                write(file, columns, List.of(values));
                delete(part);
            }
        }
        return List.of(values);
    }

    /// Rows that earlier runs have computed, copied to `values`.
    private static int known(Path file, Path part, List<String> columns, double[][] values) {
        int count = values[0].length;
        Optional<double[][]> whole = read(file, columns).filter(c -> c[0].length == count);
        if (whole.isPresent()) {
            LOG.info("reference log-probabilities read from {}", file);
        }
        Optional<double[][]> before =
                whole.or(() -> read(part, columns).filter(c -> c[0].length <= count));
        if (before.isEmpty()) {
            return 0;
        }
        int known = before.get()[0].length;
        for (int c = 0; c < values.length; c++) {
            System.arraycopy(before.get()[c], 0, values[c], 0, known);
        }
        if (whole.isEmpty()) {
            LOG.info(
                    "reference log-probabilities of {} of {} rows read from {}",
                    known,
                    count,
                    part);
        }
        return known;
    }

    /// Tells all processes the rows that rank 0 knows.
    private int told(double[][] values, int known) {
        double[] mine = new double[known * values.length];
        for (int c = 0; c < values.length; c++) {
            System.arraycopy(values[c], 0, mine, c * known, known);
        }
        double[] all = ranks.allGather("kept reference", mine)[0];
        int rows = all.length / values.length;
        for (int c = 0; c < values.length; c++) {
            System.arraycopy(all, c * rows, values[c], 0, rows);
        }
        return rows;
    }

    /// What is computed, and where to.
    private record Course<G>(
            List<List<G>> groups,
            Function<List<G>, List<double[]>> score,
            double[][] values,
            Path part,
            List<String> columns) {
        void save(int rows) {
            write(
                    part,
                    columns,
                    Arrays.stream(values).map(column -> Arrays.copyOf(column, rows)).toList());
        }
    }

    private <G> void compute(Course<G> course, int known) {
        int[] ends = new int[course.groups().size()];
        int first = 0; // group that isn't known
        for (int g = 0; g < ends.length; g++) {
            ends[g] = (g == 0 ? 0 : ends[g - 1]) + course.groups().get(g).size();
            first += ends[g] <= known ? 1 : 0;
        }
        int wave = ranks.size() == 1 ? 1 : GROUPS * ranks.size();
        int done = known;
        int saved = known;
        long savedAt = System.nanoTime();
        try {
            for (int g = first; g < ends.length; g += wave) {
                int after = Math.min(ends.length, g + wave);
                put(course, g == 0 ? 0 : ends[g - 1], computed(course, g, after));
                done = ends[after - 1];
                if (System.nanoTime() - savedAt > UNSAVED.toNanos()) {
                    save(course, done);
                    saved = done;
                    savedAt = System.nanoTime();
                }
            }
        } finally {
            if (done > saved && done < course.values()[0].length) {
                save(course, done);
            }
        }
    }

    private <G> void save(Course<G> course, int rows) {
        if (ranks.writes()) {
            course.save(rows);
        }
    }

    /// The numbers of some groups, each computed by one of the processes.
    ///
    /// @return of each group in turn, row by row
    private <G> List<double[]> computed(Course<G> course, int from, int to) {
        agree.run();
        List<double[]> own = new ArrayList<>();
        for (int g = from + ranks.rank(); g < to; g += ranks.size()) {
            StopRequest.check();
            own.addAll(course.score().apply(course.groups().get(g)));
        }
        if (ranks.size() == 1) {
            return own;
        }
        double[][] said =
                ranks.allGather(
                        "reference", own.stream().flatMapToDouble(Arrays::stream).toArray());
        int columns = course.values().length;
        int[] next = new int[ranks.size()];
        List<double[]> rows = new ArrayList<>();
        for (int g = from; g < to; g++) {
            int rank = (g - from) % ranks.size();
            for (int i = 0; i < course.groups().get(g).size(); i++) {
                rows.add(Arrays.copyOfRange(said[rank], next[rank], next[rank] + columns));
                next[rank] += columns;
            }
        }
        return rows;
    }

    private static <G> void put(Course<G> course, int start, List<double[]> rows) {
        for (int i = 0; i < rows.size(); i++) {
            for (int c = 0; c < course.values().length; c++) {
                course.values()[c][start + i] = rows.get(i)[c];
            }
        }
    }

    /// A file's columns; empty if there is no such file, or if it isn't as it was written.
    private static Optional<double[][]> read(Path file, List<String> columns) {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try (TensorFile tensors = SafeTensorsFile.open(file);
                Arena arena = Arena.ofConfined()) {
            double[][] values =
                    columns.stream()
                            .map(name -> tensors.read(name, arena).toArray(ValueLayout.JAVA_DOUBLE))
                            .toArray(double[][]::new);
            boolean same =
                    !tensors.entries().containsKey(CHECK) // of an earlier build
                            || tensors.read(CHECK, arena).get(ValueLayout.JAVA_DOUBLE, 0)
                                    == check(List.of(values));
            if (same && Arrays.stream(values).allMatch(v -> v.length == values[0].length)) {
                return Optional.of(values);
            }
            LOG.warn("{} is not as it was written, so it is computed anew", file);
        } catch (AttuneException e) {
            LOG.warn("{} can't be read, so it is computed anew: {}", file, e.getMessage());
        }
        return Optional.empty();
    }

    private static double check(List<double[]> values) {
        var crc = new CRC32C();
        for (double[] column : values) {
            ByteBuffer bytes = ByteBuffer.allocate(column.length * Double.BYTES);
            bytes.asDoubleBuffer().put(column);
            crc.update(bytes);
        }
        return crc.getValue();
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
        sources.add(source(CHECK, check(values)));
        try {
            SafeTensorsWriter.write(file, sources);
        } catch (ModelException e) {
            LOG.warn("{}; nothing is cached", e.getMessage());
        }
    }

    private static void delete(Path part) {
        try {
            Files.deleteIfExists(part);
        } catch (IOException e) {
            LOG.debug("{} can't be deleted: {}", part, e.toString());
        }
    }

    private static SafeTensorsWriter.Source source(String name, double... values) {
        return new SafeTensorsWriter.Source(
                name,
                DType.FLOAT64,
                new long[] {values.length},
                arena -> arena.allocateFrom(ValueLayout.JAVA_DOUBLE, values));
    }
}
