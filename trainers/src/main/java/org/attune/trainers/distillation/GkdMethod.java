package org.attune.trainers.distillation;

import org.attune.datasets.ColumnUse;
import org.attune.datasets.formats.DatasetType;
import org.attune.models.ModelSetup;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.generation.Generator;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.LikelyTokens;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.memory.RolloutPlan;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.RunWriters;
import org.attune.trainers.opening.Surroundings;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.prepare.CompletionPreparation;
import org.attune.trainers.prepare.Preview;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/// The method `gkd`, as the command line and the front door know it.
public record GkdMethod() implements TrainingMethod<GkdConfig, CompletionExample> {
    @Override
    public String name() {
        return "gkd";
    }

    @Override
    public String summary() {
        return "Learn from a teacher model, on given and own answers: GKD.";
    }

    @Override
    public Kind kind() {
        return Kind.DISTILS;
    }

    @Override
    public GkdConfig defaults() {
        return GkdConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with messages, or prompt and completion",
                "teacher_model_name_or_path",
                "",
                "lmbda",
                "0.5",
                "beta",
                "0.5",
                "max_new_tokens",
                "128",
                "max_length",
                "1024");
    }

    @Override
    public RunRows<CompletionExample> prepare(RowSetup setup, GkdConfig config) {
        CompletionPreparation rows =
                setup.completions(
                        config.agent(),
                        config.loss().teacherLogprobsFromRows()
                                ? OptionalInt.empty()
                                : config.maxLength(),
                        config.data().onBadRow(),
                        config.loss().trlCompat());
        if (config.uld().useUldLoss()) {
            return setup.rows(config, rows(), rows.keepingTexts(), new ColumnUse.RowsOnly());
        }
        if (config.loss().teacherLogprobsFromRows()) {
            return stored(
                    setup.rows(
                            config,
                            rows(),
                            new StoredCompletions(
                                    rows, setup.tokenizer().tokenizer(), config.maxLength()),
                            new ColumnUse.RowsOnly(
                                    Set.of(
                                            LikelyTokens.COMPLETION,
                                            LikelyTokens.TOKENS,
                                            LikelyTokens.LOGPROBS))));
        }
        TeacherConfig teacher = config.teacher();
        return setup.rows(
                config,
                rows(),
                teacher.areSeveral()
                        ? new DomainRows<>(rows, teacher, CompletionExample::withColumns)
                        : rows,
                config.agent().isOn() // tools and environments may read any
                        ? new ColumnUse.Anything()
                        : new ColumnUse.RowsOnly(teacher.columns()));
    }

    private static RunRows<CompletionExample> stored(RunRows<CompletionExample> rows) {
        StoredTeacher.requireEqual(rows.train());
        rows.evalSets().forEach(set -> StoredTeacher.requireEqual(set.rows()));
        return rows;
    }

    @Override
    public String show(Preview preview, CompletionExample row, Collection<String> columns) {
        return preview.completion(row);
    }

    @Override
    public RunSummary train(Surroundings around, GkdConfig config, Path directory) {
        ConfigCheck.validate(config);
        PolicyPlan plan =
                PolicyPlan.generating(
                        config.lora(), config.training(), !config.loss().disableDropout());
        if (!config.loss().teacherLogprobsFromRows()) {
            plan =
                    plan.also(
                            TeacherSetup.check(
                                    config.teacher(),
                                    config.model(),
                                    around.hub(),
                                    config.uld().useUldLoss()));
        }
        return OpenedRun.train(
                around,
                config.model(),
                directory,
                setup -> prepare(setup, config),
                plan,
                run -> train(around, config, directory, run));
    }

    private static RunSummary train(
            Surroundings around,
            GkdConfig config,
            Path directory,
            OpenedRun<CompletionExample> run) {
        PolicySetup student = run.policy();
        try (TeacherSetup teacher = teacher(around, config, run);
                ModelSetup reading = reading(around, config)) {
            GkdConfig fitted = fitted(config, student, teacher, run.rows().train());
            try (var writers = RunWriters.open(fitted, run.model(), directory)) {
                return DistilledRows.gkd(
                                fitted,
                                student.policy(),
                                teacher.teachers(),
                                writing(fitted, run, teacher, writers),
                                run.rows().train(),
                                run.rows().evalSets(),
                                run.context(),
                                across(config, run, teacher, reading))
                        .train();
            }
        }
    }

    /// Files of a tokenizer that the student doesn't have; null: both have one.
    private static ModelSetup reading(Surroundings around, GkdConfig config) {
        return config.uld().useUldLoss()
                ? TeacherSetup.files(
                        config.teacher(),
                        config.uld().teacherTokenizerNameOrPath(),
                        config.model(),
                        around.hub())
                : null;
    }

    private static Optional<DistilledRows.Across> across(
            GkdConfig config,
            OpenedRun<CompletionExample> run,
            TeacherSetup teacher,
            ModelSetup reading) {
        if (reading == null) {
            return Optional.empty();
        }
        var tokenizers =
                new TwoTokenizers(
                        run.model().text().tokenizer(),
                        reading.text().tokenizer(),
                        config.uld(),
                        config.loss().beta());
        return Optional.of(
                tokenizers.across(
                        run.policy().decoder().config(), teacher.decoder().orElseThrow().config()));
    }

    private static TeacherSetup teacher(
            Surroundings around, GkdConfig config, OpenedRun<CompletionExample> run) {
        return config.loss().teacherLogprobsFromRows()
                ? TeacherSetup.stored()
                : TeacherSetup.open(
                        run.policy(),
                        run.model(),
                        config.teacher(),
                        config.model(),
                        around.hub(),
                        served ->
                                ServerTeacher.of(
                                        served,
                                        config.loss().beta(),
                                        run.model().source().config().vocabSize(),
                                        config.lengths(run.rows().train()).longestRow()));
    }

    private static DistilledRows.Writers writing(
            GkdConfig config,
            OpenedRun<CompletionExample> run,
            TeacherSetup teacher,
            RunWriters writers) {
        Optional<RolloutSource> own = Optional.empty();
        Optional<RolloutSource> theirs = Optional.empty();
        if (config.loss().lmbda() > 0) {
            Generator student =
                    writers.generator(run.policy().decoder(), run.policy().policy().adapterInUse());
            own = Optional.of(writers.source(student, student));
        }
        if (config.loss().seqKd()) {
            Generator teaching =
                    writers.generator(teacher.decoder().orElseThrow(), teacher.adapter());
            theirs = Optional.of(writers.source(teaching, teaching));
        }
        return new DistilledRows.Writers(own, theirs);
    }

    /// Fits the run to memory when everything is loaded.
    private static GkdConfig fitted(
            GkdConfig config,
            PolicySetup student,
            TeacherSetup teacher,
            List<CompletionExample> rows) {
        MemoryFit fit =
                student.fitToMemory(
                        config.training(),
                        teacher.need(
                                config.training(), student.policy(), config.uld().useUldLoss()),
                        config.lengths(rows),
                        wish(config, student, teacher, rows));
        return config.withTraining(fit.training())
                .withLoss(l -> l.withGenerationSlots(fit.slots().orElse(l.generationSlots())));
    }

    /// What is generated, by the model for which that takes more memory.
    private static Optional<RolloutPlan.Wish> wish(
            GkdConfig config,
            PolicySetup student,
            TeacherSetup teacher,
            List<CompletionExample> rows) {
        int longest = rows.stream().mapToInt(r -> r.tokens().completionStart()).max().orElse(0);
        int most = config.training().batch().rowsOfStep();
        return Stream.concat(
                        config.loss().lmbda() > 0 ? Stream.of(student.decoder()) : Stream.of(),
                        config.loss().seqKd() ? teacher.decoder().stream() : Stream.of())
                .map(decoder -> RolloutSetup.wish(config, decoder, longest, most))
                .max(Comparator.comparingLong(wish -> wish.memory().bytes(1)));
    }
}
