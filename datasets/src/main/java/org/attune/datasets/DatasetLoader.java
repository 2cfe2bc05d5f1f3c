package org.attune.datasets;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.ListSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.LoadedDataset.Note;
import org.attune.datasets.LoadedDataset.Source;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.LlamaFactorySpec;
import org.attune.datasets.formats.RowInterpreter;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.SampleDoubts;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.datasets.rows.RowOrigin;
import org.attune.datasets.rows.RowSink;
import org.attune.datasets.rows.SampleBy;
import org.attune.error.DatasetException;
import org.attune.error.StopRequest;
import org.attune.files.HubCache;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// Reads a mixture of data sources into checked samples. Says in the log what each source was
/// taken for.
public final class DatasetLoader {
    private static final Logger LOG = LoggerFactory.getLogger(DatasetLoader.class);
    private static final int LOGGED_NOTES = 10;
    private static final int WATCHED = 1024; // rows of a stream whose columns are looked at
    private static final int MOST_DRAWN = 100_000_000;
    private static final long DRAWS = 42; // the seed of what num_samples draws

    private final Path base;
    private final HubCache hub;
    private final BadRowPolicy onBadRow;
    private final ColumnUse columnUse;
    private final boolean sees;

    /// A loader of rows whose other columns may be read by anybody.
    ///
    /// @param base     folder that relative paths start from
    /// @param hub      where downloaded hub data sets lie
    /// @param onBadRow what happens with rows that can't be used
    public DatasetLoader(Path base, HubCache hub, BadRowPolicy onBadRow) {
        this(base, hub, onBadRow, new ColumnUse.Anything());
    }

    /// @param base     folder that relative paths start from
    /// @param hub      where downloaded hub data sets lie
    /// @param onBadRow what happens with rows that can't be used
    /// @param columnUse what happens with columns that rows aren't made of
    public DatasetLoader(Path base, HubCache hub, BadRowPolicy onBadRow, ColumnUse columnUse) {
        this(base, hub, onBadRow, columnUse, false);
    }

    private DatasetLoader(
            Path base, HubCache hub, BadRowPolicy onBadRow, ColumnUse columnUse, boolean sees) {
        this.sees = sees;
        this.base = base;
        this.hub = hub;
        this.onBadRow = onBadRow;
        this.columnUse = columnUse;
    }

    /// A loader whose samples have the pictures of their rows in their messages, if wanted. Others
    /// treat columns of pictures as columns that nothing reads.
    public DatasetLoader seeing(boolean wanted) {
        return new DatasetLoader(base, hub, onBadRow, columnUse, wanted);
    }

    /// Reads all sources, one after the other.
    ///
    /// @param sources  where the rows come from; not empty
    /// @param accepted dataset types that the trainer can use; SFT: `LANGUAGE_MODELING` and
    ///     `PROMPT_COMPLETION`, DPO: `PREFERENCE`
    /// @throws DatasetException if a source isn't there, fits no accepted type, has a faulty row
    ///     (unless bad rows are skipped), no usable row, or content in columns that nothing reads
    public LoadedDataset load(List<DatasetSource> sources, Set<DatasetType> accepted) {
        var samples = new ArrayList<Sample>();
        PassedRows passed = pass(sources, accepted, samples::add);
        return new LoadedDataset(
                passed.chosen().stream().map(samples::get).toList(),
                passed.sources(),
                passed.skipped(),
                passed.warnings());
    }

    /// Reads all sources, and hands over each sample as soon as it is read. So nothing but what
    /// `to` keeps has to fit into memory.
    ///
    /// @param to hears of all rows of the files; which of them are wanted is known at the end
    /// @throws DatasetException as [#load], and what `to` throws
    public PassedRows pass(
            List<DatasetSource> sources, Set<DatasetType> accepted, Consumer<Sample> to) {
        if (sources.isEmpty()) {
            throw new DatasetException("no data set is given; set datasets: PATH");
        }
        var chosen = new ArrayList<List<Integer>>();
        Shares shares = Shares.of(sources);
        var formats = new ArrayList<String>();
        var skipped = new ArrayList<Note>();
        var warnings = new ArrayList<Note>();
        int before = 0;
        for (DatasetSource source : sources) {
            SourceFiles files = SourceFiles.of(source, base, hub);
            var rows = new Collector(source, files, accepted, to);
            requireText(source, files.files());
            rows.read(files.files());
            List<Integer> own = chosen(Positions.range(before, rows.count), files);
            before += rows.count;
            if (own.isEmpty()) {
                throw new DatasetException(
                        "%s gives no rows (split %s, %d rows in the files, %d skipped)"
                                .formatted(
                                        source,
                                        files.split(),
                                        rows.count,
                                        rows.bad.skipped().size()));
            }
            rows.watch.check(source, rows.interpreter.format());
            chosen.add(own);
            formats.add(rows.interpreter.format());
            log(source, own.size(), rows);
            skipped.addAll(rows.bad.skipped());
            warnings.addAll(rows.warnings);
        }
        List<List<Integer>> shared = shares.of(sources, chosen);
        var reports = new ArrayList<Source>();
        for (int i = 0; i < sources.size(); i++) {
            reports.add(
                    new Source(sources.get(i).toString(), formats.get(i), shared.get(i).size()));
        }
        log("skipped", skipped);
        log("suspicious", warnings);
        return new PassedRows(Positions.joined(shared), reports, skipped, warnings);
    }

    /// One pass over the samples of all sources, read as they are asked for. Faulty rows, and
    /// content in columns that nothing reads, show when they are met.
    ///
    /// @param order of the files of each source; empty: as they are found
    /// @param told whether the log says what the sources were taken for
    /// @return to be closed
    /// @throws DatasetException in place of a sample, as [#load]; or if a part of a source is asked
    ///     for by its rows' numbers
    public Stream<Sample> stream(
            List<DatasetSource> sources,
            Set<DatasetType> accepted,
            Optional<UniformRandomProvider> order,
            boolean told) {
        var stream =
                new SampleStream(
                        to ->
                                sources.forEach(
                                        source -> handOver(source, accepted, order, told, to)));
        return StreamSupport.stream(
                        Spliterators.spliteratorUnknownSize(stream, Spliterator.ORDERED), false)
                .onClose(stream::close);
    }

    private void handOver(
            DatasetSource source,
            Set<DatasetType> accepted,
            Optional<UniformRandomProvider> order,
            boolean told,
            Consumer<Sample> to) {
        SourceFiles found = SourceFiles.of(source, base, hub);
        requireWhole(source, found);
        requireText(source, found.files());
        List<Path> files = new ArrayList<>(found.files());
        order.ifPresent(random -> ListSampler.shuffle(random, files));
        var rows = new Collector(source, found, accepted, to);
        rows.streamed = true;
        rows.read(files);
        if (rows.count == 0) {
            throw new DatasetException(source + " gives no rows");
        }
        if (rows.count < WATCHED) {
            rows.watch.check(source, rows.interpreter.format());
        }
        if (told) {
            log(source, rows.count, rows);
            log("skipped", rows.bad.skipped());
            log("suspicious", rows.warnings);
        }
    }

    /// Tells the files of sources from others.
    ///
    /// @throws DatasetException if a source isn't there
    public String fingerprint(List<DatasetSource> sources) {
        var digest = new FilesDigest();
        for (DatasetSource source : sources) {
            SourceFiles found = SourceFiles.of(source, base, hub);
            requireWhole(source, found);
            digest.add("%s %s %s".formatted(source.type(), source.columns(), source.sampleBy()));
            found.files().forEach(digest::add);
        }
        return digest.hex();
    }

    private static void requireWhole(DatasetSource source, SourceFiles files) {
        SplitSpec split = files.split();
        boolean drawn =
                files.spec().map(LlamaFactorySpec::samples).stream()
                        .anyMatch(OptionalLong::isPresent);
        if (split.from() != null || split.to() != null || drawn) {
            throw new DatasetException(
                    "%s: %s chooses rows by their numbers, which a stream doesn't know; leave it out, or set streaming: false"
                            .formatted(
                                    source, drawn ? "num_samples" : "the range of split " + split));
        }
    }

    private static void requireText(DatasetSource source, List<Path> files) {
        if (source.sampleBy() != SampleBy.LINE && files.stream().noneMatch(RowFiles::isText)) {
            throw new DatasetException(
                    "%s: sample_by: %s says what a row of a .txt file is, but there is none; leave it out"
                            .formatted(source, source.sampleBy().name().toLowerCase(Locale.ROOT)));
        }
    }

    /// The type of a source's first row.
    ///
    /// @param accepted types among which the row's columns choose
    /// @throws DatasetException if the source isn't there, its first row can't be read, is of none
    ///     of these types or isn't there
    public DatasetType typeOf(DatasetSource source, Set<DatasetType> accepted) {
        SourceFiles files = SourceFiles.of(source, base, hub);
        var choice = new InterpreterChoice(source, files.spec(), accepted);
        var first = new FirstRow(choice);
        try {
            files.files().forEach(file -> RowFiles.read(file, first, source.sampleBy()));
        } catch (DatasetException e) {
            if (first.type.isEmpty()) {
                throw e;
            }
        }
        return first.type.orElseThrow(() -> new DatasetException(source + " gives no rows"));
    }

    /// Ends the reading of a file at its first row.
    private static final class FirstRow implements RowSink {
        private final InterpreterChoice choice;
        private Optional<DatasetType> type = Optional.empty();

        FirstRow(InterpreterChoice choice) {
            this.choice = choice;
        }

        @Override
        public void header(String where, List<String> columns) {
            choice.check(where, columns);
        }

        @Override
        public void row(Row row) {
            RowInterpreter interpreter = choice.of(row);
            type = Optional.of(interpreter.read(interpreter.named(row)).type());
            throw new DatasetException(row.origin().where() + ": enough is known");
        }

        @Override
        public void fault(RowOrigin origin, DatasetException fault) {
            throw fault;
        }
    }

    private static List<Integer> chosen(List<Integer> samples, SourceFiles files) {
        List<Integer> split = files.split().of(samples);
        OptionalLong wanted =
                files.spec().map(LlamaFactorySpec::samples).orElse(OptionalLong.empty());
        return wanted.isEmpty() || split.isEmpty() ? split : drawn(split, wanted.getAsLong());
    }

    /// As many rows as `num_samples` says: some of them in their order, or all and some again.
    private static List<Integer> drawn(List<Integer> samples, long count) {
        if (count > MOST_DRAWN) {
            throw new DatasetException(
                    "num_samples is %d; at most %d are drawn".formatted(count, MOST_DRAWN));
        }
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(DRAWS);
        var drawn = new ArrayList<Integer>((int) count);
        int size = samples.size();
        long left = Math.min(count, size);
        for (int i = 0; i < size; i++) { // each with the chance that what is left needs it
            if (random.nextInt(size - i) < left) {
                drawn.add(samples.get(i));
                left--;
            }
        }
        while (drawn.size() < count) {
            drawn.add(samples.get(random.nextInt(size)));
        }
        return drawn;
    }

    private static void log(DatasetSource source, int count, Collector rows) {
        List<String> unused = rows.watch.names();
        LOG.info(
                "{}: {} rows, read as {}{}",
                source,
                count,
                rows.interpreter.format(),
                unused.isEmpty()
                        ? ""
                        : "; columns that nothing reads: " + String.join(", ", unused));
    }

    private static void log(String what, List<Note> notes) {
        if (notes.isEmpty()) {
            return;
        }
        LOG.warn("{} rows {}", notes.size(), what);
        notes.stream().limit(LOGGED_NOTES).forEach(note -> LOG.warn("  {}", note.message()));
    }

    private final class Collector implements RowSink {
        private final DatasetSource source;
        private final InterpreterChoice choice;
        private final Consumer<Sample> to;
        private final BadRows bad;
        private final List<Note> warnings = new ArrayList<>();
        private final HeapRoom room = new HeapRoom();
        private int count;
        private boolean streamed;
        private ColumnWatch watch = new ColumnWatch(columnUse);
        private RowInterpreter interpreter;

        Collector(
                DatasetSource source,
                SourceFiles files,
                Set<DatasetType> accepted,
                Consumer<Sample> to) {
            this.source = source;
            this.to = to;
            this.choice = new InterpreterChoice(source, files.spec(), accepted, sees);
            this.bad = new BadRows(source, onBadRow);
        }

        void read(List<Path> files) {
            try {
                files.forEach(file -> RowFiles.read(file, this, source.sampleBy()));
            } catch (DatasetException e) {
                bad.throwIfEnding(count); // it came first
                throw e;
            }
            bad.throwIfEnding(count);
        }

        @Override
        public void header(String where, List<String> columns) {
            choice.check(where, columns);
        }

        @Override
        public void row(Row row) {
            StopRequest.check();
            if (interpreter == null) {
                interpreter = choice.of(row);
                if (interpreter.stated()) {
                    watch = new ColumnWatch(new ColumnUse.Ignored());
                }
            }
            Row ours;
            Sample sample;
            try {
                ours = interpreter.named(row);
                sample = interpreter.read(ours, kept());
            } catch (DatasetException e) {
                fault(row.origin(), e);
                return;
            }
            count = Math.incrementExact(count);
            if (bad.endRun()) {
                return;
            }
            to.accept(sample);
            room.check(row.origin(), count);
            if (streamed && count >= WATCHED) {
                if (count == WATCHED) {
                    watch.check(source, interpreter.format());
                }
                return;
            }
            watch.see(ours, interpreter.used(), sample);
            SampleDoubts.about(sample)
                    .ifPresent(
                            doubt ->
                                    warnings.add(
                                            new Note(
                                                    row.origin(),
                                                    row.origin().where() + ": " + doubt)));
        }

        private Set<String> kept() {
            return columnUse instanceof ColumnUse.RowsOnly(Set<String> read) ? read : Set.of();
        }

        @Override
        public void fault(RowOrigin origin, DatasetException fault) {
            bad.add(origin, fault, count);
        }
    }
}
