package org.attune.trainers.opening;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.ColumnUse;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.LoadedDataset;
import org.attune.datasets.UnusedColumns;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.attune.images.ImagePipeline;
import org.attune.models.ModelSetup;
import org.attune.rollout.generation.TextCompleter;
import org.attune.text.TextAssets;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.DatasetSpec;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.onpolicy.AgentConfig;
import org.attune.trainers.prepare.CompletionPreparation;
import org.attune.trainers.prepare.PreparationReport;
import org.attune.trainers.prepare.Prepared;
import org.attune.trainers.prepare.PromptPreparation;
import org.attune.trainers.prepare.RowPreparation;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.prepare.SftPreparation;
import org.attune.trainers.prepare.SharedOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Reads and prepares a run's rows: training rows, and held-out rows from `eval_datasets` or set
/// aside by `test_split_size`.
public final class RowSetup {
    private static final Logger LOG = LoggerFactory.getLogger(RowSetup.class);

    private final ModelSetup model;
    private final SampleTokenizer tokenizer;
    private final boolean chat;
    private final boolean sees;
    private final HubCache hub;
    private final Path directory;
    private final int threads = Runtime.getRuntime().availableProcessors();

    /// @param model whose text the rows are; borrowed
    /// @param hub where names of data sets are looked up
    /// @param directory where relative paths of tools start, usually that of the configuration
    private RowSetup(ModelSetup model, HubCache hub, Path directory) {
        TextAssets text = model.text();
        this.model = model;
        var tokens =
                new SampleTokenizer(text.tokenizer(), text.template())
                        .stoppingAt(TextCompleter.stopIds(model.source(), text.tokenizer()));
        Optional<ImagePipeline> images = model.images();
        this.tokenizer = images.map(tokens::seeing).orElse(tokens);
        this.sees = images.isPresent();
        this.chat = text.template().isPresent();
        this.hub = hub;
        this.directory = directory;
    }

    /// @param model whose text the rows are; borrowed
    /// @param hub where names of data sets are looked up
    /// @param directory where relative paths of tools start, usually that of the configuration
    public static RowSetup of(ModelSetup model, HubCache hub, Path directory) {
        return new RowSetup(model, hub, directory);
    }

    /// Prepares prompts as the policy is to read them: with the tools that all episodes have.
    ///
    /// @param longest most tokens of a prompt; empty: any number
    public PromptPreparation prompts(
            AgentConfig agent, OptionalInt longest, BadRowPolicy onBadRow) {
        return new PromptPreparation(told(agent), longest, onBadRow, shared(agent));
    }

    /// Prepares prompts that have completions, as [#prompts] does.
    ///
    /// @param longest most tokens of both; empty: any number
    /// @param bare as in [CompletionPreparation]
    public CompletionPreparation completions(
            AgentConfig agent, OptionalInt longest, BadRowPolicy onBadRow, boolean bare) {
        return new CompletionPreparation(told(agent), longest, onBadRow, bare, shared(agent));
    }

    private SampleTokenizer told(AgentConfig agent) {
        return agent.isOn()
                ? new SampleTokenizer(tokenizer.tokenizer(), AgentText.of(agent, model).template())
                        .stoppingAt(TextCompleter.stopIds(model.source(), tokenizer.tokenizer()))
                : tokenizer;
    }

    private SharedOptions shared(AgentConfig agent) {
        return new SharedOptions(
                agent.isOn() ? AgentSetup.offered(agent, directory) : List.of(),
                agent.chatTemplateKwargs(),
                agent.isOn());
    }

    /// The type of a run's rows, from the first one: columns may suit several types.
    ///
    /// @param preferred types among which the type is, if the row is of one of them
    /// @throws DatasetException if that can't be read
    public static DatasetType typeOf(DataConfig data, HubCache hub, Set<DatasetType> preferred) {
        var loader = new DatasetLoader(Path.of("").toAbsolutePath(), hub, data.onBadRow());
        DatasetSource source = data.datasets().getFirst().source();
        try {
            return loader.typeOf(source, preferred);
        } catch (DatasetException e) {
            // Either the row is of another type, or it can't be read, which is then said again.
            return loader.typeOf(source, EnumSet.allOf(DatasetType.class));
        }
    }

    /// Makes token ids of texts.
    public SampleTokenizer tokenizer() {
        return tokenizer;
    }

    /// Reads and prepares a run's rows.
    ///
    /// @param types of rows that are accepted
    /// @param preparation of all rows
    /// @throws org.attune.error.DatasetException naming file and line of what cannot be used
    public <T extends TrainingRow> RunRows<T> rows(
            RunConfig config, Set<DatasetType> types, RowPreparation<T> preparation) {
        return rows(config, types, preparation, new ColumnUse.RowsOnly());
    }

    /// Reads and prepares a run's rows, with a choice of what happens with further columns.
    ///
    /// @param columns what happens with columns that rows aren't made of
    public <T extends TrainingRow> RunRows<T> rows(
            RunConfig config,
            Set<DatasetType> types,
            RowPreparation<T> preparation,
            ColumnUse columns) {
        return rows(config, types, columns, preparation, preparation);
    }

    /// Reads and prepares rows that nobody trains on.
    ///
    /// @param seed of their order and of held-out rows
    /// @param columns what happens with columns that rows aren't made of
    public <T extends TrainingRow> RunRows<T> rows(
            DataConfig data,
            long seed,
            Set<DatasetType> types,
            RowPreparation<T> preparation,
            ColumnUse columns) {
        Split split = split(data, seed, seed, types, columns);
        return rows(split, preparation, preparation);
    }

    /// Reads and prepares a run's rows, the held-out ones in another way than the others.
    ///
    /// @param columns what happens with columns that rows aren't made of
    public <T extends TrainingRow> RunRows<T> rows(
            RunConfig config,
            Set<DatasetType> types,
            ColumnUse columns,
            RowPreparation<T> train,
            RowPreparation<T> eval) {
        if (config.data().streaming()) {
            return flow(config, types, "text", columns, train, eval);
        }
        long seed = config.training().seed();
        long order = config.training().dataSeed().orElse(seed);
        return rows(split(config.data(), seed, order, types, columns), train, eval);
    }

    /// Rows that are read as the run asks for them. Held-out rows are read at once.
    private <T extends TrainingRow> RunRows<T> flow(
            RunConfig config,
            Set<DatasetType> types,
            String textField,
            ColumnUse columns,
            RowPreparation<T> train,
            RowPreparation<T> eval) {
        DataConfig data = config.data();
        DatasetLoader loader = loader(data, columns);
        var form = new PromptForm(data.applyChatTemplate(), chat);
        List<EvalSet<T>> sets = new ArrayList<>();
        if (!data.evalDatasets().isEmpty()) {
            List<DatasetSource> heldOut = sources(data.evalDatasets(), textField);
            sets.add(heldOut(formed(loader.load(heldOut, types), form), eval));
        }
        List<DatasetSource> given = sources(data.datasets(), textField);
        var flow = new SampleFlow(loader, types, form, given, threads);
        RowStream<T> rows = flow.rows(config, train);
        List<T> known =
                RowStream.known(rows); // faults of the first rows show before a model trains
        form.tell();
        var report =
                new PreparationReport(
                        known.size(),
                        known.size(),
                        known.stream().mapToLong(TrainingRow::length).sum(),
                        known.stream().mapToLong(train::trained).sum(),
                        List.of(),
                        List.of());
        LOG.info("training rows are streamed; the first block: {}", report.summary());
        return new RunRows<>(rows, sets, report);
    }

    private <T extends TrainingRow> EvalSet<T> heldOut(
            List<Sample> samples, RowPreparation<T> preparation) {
        Prepared<T> heldOut = preparation.prepareTaking(samples, threads);
        LOG.info("held-out rows: {}", heldOut.report().summary());
        return new EvalSet<>("", heldOut.rows());
    }

    /// Rows of SFT, which need neither as texts nor as tokens fit into memory.
    ///
    /// @param textField the column of rows that are one text
    /// @param columns what happens with columns that rows aren't made of
    /// @param train how training rows are cut and packed
    /// @param eval how held-out rows are; both agree in what counts
    public RunRows<PackedRow> streamed(
            RunConfig config,
            Set<DatasetType> types,
            String textField,
            ColumnUse columns,
            SftPreparation train,
            SftPreparation eval) {
        DataConfig data = config.data();
        if (data.streaming()) {
            return flow(config, types, textField, columns, train, eval);
        }
        return new StreamedRows(
                        loader(data, columns),
                        types,
                        new PromptForm(data.applyChatTemplate(), chat),
                        threads,
                        config.training().save().outputDir())
                .of(data, config.training(), spec -> sources(spec, textField), train, eval);
    }

    private <T extends TrainingRow> RunRows<T> rows(
            Split split, RowPreparation<T> train, RowPreparation<T> eval) {
        List<Prepared<T>> parts = new ArrayList<>();
        split.train().forEach(part -> parts.add(train.prepareTaking(part, threads)));
        split.chosen().tell(parts);
        List<EvalSet<T>> sets = new ArrayList<>();
        if (!split.eval().isEmpty()) {
            sets.add(heldOut(split.eval(), eval));
        }
        return split.chosen().joined(parts, sets);
    }

    /// Samples until they are prepared.
    ///
    /// @param train rows of each part of `chosen`; the lists can be changed
    /// @param eval can be changed
    private record Split(ChosenRows chosen, List<List<Sample>> train, List<Sample> eval) {}

    private Split split(
            DataConfig data, long seed, long order, Set<DatasetType> types, ColumnUse columns) {
        DatasetLoader loader = loader(data, columns);
        LoadedDataset loaded = loader.load(sources(data.datasets(), "text"), types);
        ChosenRows chosen = ChosenRows.of(data, loaded.sources(), seed, order);
        var form = new PromptForm(data.applyChatTemplate(), chat);
        List<Sample> eval =
                data.evalDatasets().isEmpty()
                        ? at(chosen.aside(), loaded.samples(), form)
                        : formed(loader.load(sources(data.evalDatasets(), "text"), types), form);
        List<List<Sample>> train = new ArrayList<>();
        chosen.parts().forEach(part -> train.add(at(part, loaded.samples(), form)));
        form.tell();
        return new Split(chosen, train, eval);
    }

    private static List<Sample> formed(LoadedDataset loaded, PromptForm form) {
        return new ArrayList<>(loaded.samples().stream().map(form).toList());
    }

    private static List<Sample> at(List<Integer> places, List<Sample> samples, PromptForm form) {
        return new ArrayList<>(places.stream().map(samples::get).map(form).toList());
    }

    private DatasetLoader loader(DataConfig data, ColumnUse columns) {
        boolean ignored = data.unusedColumns() == UnusedColumns.IGNORE;
        return new DatasetLoader(
                        Path.of("").toAbsolutePath(),
                        hub,
                        data.onBadRow(),
                        ignored ? new ColumnUse.Ignored() : columns)
                .seeing(sees);
    }

    private static List<DatasetSource> sources(List<DatasetSpec> specs, String textField) {
        return specs.stream().map(spec -> source(spec, textField)).toList();
    }

    /// `dataset_text_field` is a rename like those in `columns`.
    private static DatasetSource source(DatasetSpec spec, String textField) {
        DatasetSource source = spec.source();
        if (textField.equals("text") || source.columns().containsKey(textField)) {
            return source;
        }
        Map<String, String> columns = new LinkedHashMap<>(source.columns());
        columns.put(textField, "text");
        return new DatasetSource(
                source.path(),
                source.name(),
                source.type(),
                source.split(),
                columns,
                source.sampleBy(),
                source.fraction());
    }
}
