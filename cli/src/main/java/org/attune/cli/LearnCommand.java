package org.attune.cli;

import org.attune.adapter.AdapterConfig;
import org.attune.auto.AutoPlan;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.error.ConfigException;
import org.attune.feedback.FeedbackStore;
import org.attune.feedback.GivenAnswer.Origin;
import org.attune.feedback.Release;
import org.attune.hub.HubDownload;
import org.attune.learn.Comparison;
import org.attune.learn.FeedbackItems;
import org.attune.learn.LearnedFolders;
import org.attune.learn.LearnedRows;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune learn STORE [key=value …]`
@Command(
        name = "learn",
        description = {
            "Train on users' feedback, and let the better adapter in.",
            "It makes rows of what users agree on, trains on most questions, and compares candidate"
                + " and current adapter on the others. With --promote a server that has the same"
                + " store answers with the better one at once; --rollback goes back."
        })
final class LearnCommand implements Callable<Integer>, UsesEngine {
    private static final String BASE = "model_name_or_path=";

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "STORE",
            description =
                    "A file, or postgresql://HOST/DATABASE, as attune serve --feedback has it.")
    String place;

    @Parameters(
            index = "1..*",
            paramLabel = "key=value",
            description = "Keys of the run; they win over what is chosen.")
    List<String> words = new ArrayList<>();

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "The model's name in requests (default: the store's only one).")
    String name;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            description = "Folder of the run (default: STORE-learned/NAME-N).")
    Path out;

    @Option(
            names = "--method",
            description = "sft, dpo or kto (default: by what most judgements are).")
    String method;

    @Option(
            names = "--promote",
            description = "Let the candidate in if it is better than what answers now.")
    boolean promote;

    @Option(
            names = "--rollback",
            description = "Go back to the adapter before the one that answers now; train nothing.")
    boolean rollback;

    @Option(
            names = "--guard",
            paramLabel = "FILE",
            description = "Rows (.jsonl) on which the candidate must not be worse.")
    Path guard;

    @Option(
            names = "--user-share",
            defaultValue = "0.2",
            paramLabel = "SHARE",
            description =
                    "Most that one user may have said of what is learned (default:"
                            + " ${DEFAULT-VALUE}).")
    double userShare;

    @Option(
            names = "--heldout-share",
            defaultValue = "0.2",
            paramLabel = "SHARE",
            description =
                    "Questions that are compared on and never learned (default: ${DEFAULT-VALUE}).")
    double heldOutShare;

    @Option(
            names = "--against",
            paramLabel = "DIR",
            description = "Compare with this adapter instead of what answers now.")
    Path against;

    @Option(
            names = "--candidate",
            paramLabel = "DIR",
            description = "Compare this adapter; train nothing.")
    Path candidate;

    @Option(
            names = "--shuffle",
            description = "Train a control instead, on judgements that are dealt out anew.")
    boolean shuffle;

    @Option(names = "--dry-run", description = "Show rows and the run's file; write nothing.")
    boolean dry;

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public Integer call() {
        require();
        try (var store = FeedbackStore.open(place)) {
            String model = model(store);
            if (rollback) {
                Release release = store.rollback(model);
                say(
                        "release %d: %s answers for %s"
                                .formatted(
                                        release.number(),
                                        release.isStart() ? "what was served" : release.adapter(),
                                        model));
                return ExitCodes.DONE;
            }
            return learn(store, model);
        }
    }

    private void require() {
        if (promote && (shuffle || against != null)) {
            throw new ConfigException(
                    "--promote compares a candidate with what answers now, so it goes with neither"
                            + " --shuffle nor --against");
        }
        if (candidate != null && words.stream().anyMatch(word -> !word.startsWith(BASE))) {
            throw new ConfigException(
                    "--candidate trains nothing, so keys of a run have no effect: " + words);
        }
        requireShare("--user-share", userShare, 1);
        requireShare("--heldout-share", heldOutShare, 0.5);
        if (method != null && !List.of("sft", "dpo", "kto").contains(method)) {
            throw new ConfigException("--method is %s; accepted: sft, dpo, kto".formatted(method));
        }
    }

    private static void requireShare(String option, double share, double most) {
        if (!(share > 0 && share <= most)) {
            throw new ConfigException(
                    "%s is %s; accepted: above 0, at most %s".formatted(option, share, most));
        }
    }

    private String model(FeedbackStore store) {
        List<String> names = List.copyOf(store.answers().keySet());
        if (name == null ? names.size() == 1 : names.contains(name)) {
            return name == null ? names.getFirst() : name;
        }
        throw new ConfigException(
                names.isEmpty()
                        ? "the store %s has no answers; attune serve MODEL --feedback %s keeps them"
                                .formatted(place, place)
                        : "--name: the store has answers of %s; say which".formatted(names));
    }

    private int learn(FeedbackStore store, String model) {
        Origin origin = store.newest(model).orElseThrow().origin();
        Optional<Release> inForce = Optional.ofNullable(store.current().get(model));
        String current =
                inForce.filter(r -> !r.isStart()).map(Release::adapter).orElse(origin.start());
        LearnedRows found =
                LearnedRows.of(
                        FeedbackItems.of(store.judged(Optional.of(model))),
                        Optional.ofNullable(method),
                        userShare,
                        heldOutShare);
        LearnedRows rows = guard == null ? found : found.guarded(guard);
        LearnedRows taught = shuffle ? rows.shuffled(1) : rows;
        taught.notes().forEach(this::say);
        say(
                "method: %s; items to learn from: %d; held out: %d"
                        .formatted(
                                taught.method(), taught.train().size(), taught.heldOut().size()));
        AutoPlan plan = plan(model, origin, taught);
        String what = "made by attune learn of %s for %s".formatted(place, model);
        if (dry) {
            say("run.yaml:\n" + plan.yaml(what).indent(2));
            return ExitCodes.DONE;
        }
        Trained trained = trained(plan, what);
        if (trained.code() != ExitCodes.DONE) {
            return trained.code();
        }
        String rival = against == null ? current : folder(against);
        Comparison compared = Comparison.of(trained.base(), rival, folder(trained.adapter()), rows);
        say(compared.line());
        if (!compared.isBetter()) {
            return ExitCodes.NO_BETTER;
        }
        letIn(store, model, inForce, trained.adapter(), compared);
        return ExitCodes.DONE;
    }

    private void letIn(
            FeedbackStore store,
            String model,
            Optional<Release> inForce,
            Path adapter,
            Comparison found) {
        if (promote) {
            Release release =
                    store.release(
                            model,
                            folder(adapter),
                            inForce.map(Release::number).orElse(0),
                            found.line());
            say(
                    "release %d: %s answers for %s; attune learn %s --rollback goes back"
                            .formatted(release.number(), release.adapter(), model, place));
        } else if (!shuffle && against == null) {
            say(
                    "to let it in: attune learn %s --candidate %s --promote"
                            .formatted(place, folder(adapter)));
        }
    }

    private void say(String line) {
        PrintWriter console = spec.commandLine().getOut();
        console.println(line);
        console.flush();
    }

    private static String folder(Path path) {
        return path.toAbsolutePath().normalize().toString();
    }

    private AutoPlan plan(String model, Origin origin, LearnedRows rows) {
        String base =
                words.stream()
                        .filter(word -> word.startsWith(BASE))
                        .map(word -> word.substring(BASE.length()))
                        .findFirst()
                        .orElse(origin.base());
        Path folder = out == null ? LearnedFolders.next(place, model) : out;
        try (var setup = ModelSetup.open(ModelConfig.of(base), HubDownload.cache())) {
            return rows.plan(base, origin.start(), folder, Optional.of(setup.text().tokenizer()));
        }
    }

    /// What came of training.
    ///
    /// @param code of the exit
    /// @param base the model that it was trained on, alone
    private record Trained(int code, ModelConfig base, Path adapter) {}

    private Trained trained(AutoPlan plan, String what) {
        if (candidate != null) {
            requireAdapter(candidate);
            return new Trained(ExitCodes.DONE, ModelConfig.of(plan.model()), candidate);
        }
        Path run = plan.write(what);
        say("written: " + run);
        return train(Methods.named(plan.rows().method()).orElseThrow(), run);
    }

    private <C extends Record & RunConfig> Trained train(TrainingMethod<C, ?> one, Path run) {
        LoadedRun<C> loaded = new RunConfigReader().read(one, run, words).found();
        C config = loaded.config();
        int code =
                new TrainingSession(spec, loaded, config)
                        .run(runs -> runs.train(one, config, loaded.directory()));
        Path result = config.training().save().outputDir();
        if (code == ExitCodes.DONE) {
            requireAdapter(result);
        }
        return new Trained(code, config.model().withoutAdapter(), result);
    }

    private static void requireAdapter(Path folder) {
        if (!Files.exists(folder.resolve(AdapterConfig.FILE))) {
            throw new ConfigException(
                    folder
                            + " holds no adapter, and only adapters are let in; train with"
                            + " use_peft");
        }
    }
}
