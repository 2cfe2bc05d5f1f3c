package org.attune.cli;

import org.attune.board.Board;
import org.attune.board.BoardConfig;
import org.attune.cli.command.AddressOptions;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.UsesEngine;
import org.attune.models.ModelConfig;
import org.attune.serve.ServeConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/// `attune board [FOLDER …]`
@Command(
        name = "board",
        description = {
            "Show runs in a browser: live, compared, with their completions.",
            "With --model or --server, chat with two adapters side by side. Listens at this machine"
                    + " alone; the address that it prints lets a browser in."
        })
final class BoardCommand implements Callable<Integer>, UsesEngine {
    private static final String KEY_VARIABLE = "ATTUNE_API_KEY";

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(
            arity = "0..*",
            paramLabel = "FOLDER",
            description = "Folders above runs (default: where you are).")
    List<Path> folders = List.of();

    @Mixin AddressOptions address;

    @Option(
            names = "--port",
            defaultValue = "8080",
            description = "0 takes a free one (default: ${DEFAULT-VALUE}).")
    int port;

    @Option(
            names = "--server",
            paramLabel = "URL",
            description =
                    "A running attune serve to chat with, as http://localhost:8000/v1; its key is"
                            + " taken from ATTUNE_API_KEY.")
    URI server;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "MODEL",
            description = "A model to open and chat with, instead of --server.")
    String model;

    @Option(
            names = {"-a", "--adapter"},
            paramLabel = "NAME=FOLDER",
            description =
                    "An adapter of --model. May be repeated; those of runs can be added later.")
    Map<String, String> adapters = new LinkedHashMap<>();

    @Option(
            names = "--feedback",
            paramLabel = "STORE",
            description =
                    "Show what users think of answers, and what was learned from it; with --model"
                            + " also keep its answers, as attune serve does.")
    String feedback;

    @Option(
            names = "--label",
            paramLabel = "FILE",
            description = "Rows with several answers to each prompt, to be judged.")
    Path label;

    @Option(
            names = "--pairs",
            paramLabel = "FILE",
            defaultValue = "pairs.jsonl",
            description = "Where judgements go, as rows for dpo (default: ${DEFAULT-VALUE}).")
    Path pairs;

    @Option(names = "--allow-start", description = "Pages may start runs, one after the other.")
    boolean start;

    @Option(
            names = "--allow-programs",
            description =
                    "Runs that pages start or show may have rewards and tools that are programs.")
    boolean programs;

    @Override
    public boolean generates() {
        return true;
    }

    @Override
    public boolean computesHere() {
        return model != null;
    }

    @Override
    public String afterStop() {
        return "the pages answer no more";
    }

    @Override
    public Integer call() {
        BoardConfig config = config();
        try (var board = Board.open(config, new BoardRuns())) {
            PrintWriter out = spec.commandLine().getOut();
            out.println("open in a browser: " + board.url());
            out.flush();
            return UsesEngine.untilStopped();
        }
    }

    private BoardConfig config() {
        BoardConfig config =
                BoardConfig.of(folders.isEmpty() ? List.of(Path.of("")) : folders)
                        .withHost(address.host)
                        .withPort(port)
                        .withAllowedHosts(address.hosts)
                        .withPairs(pairs)
                        .withStartsRuns(start)
                        .withStartsPrograms(programs);
        config = label == null ? config : config.withAnswers(label);
        if (server != null) {
            config = config.withServer(server);
            String key = System.getenv(KEY_VARIABLE);
            config = key == null ? config : config.withServerKey(key);
        }
        if (feedback != null) {
            config = config.withFeedback(feedback);
        }
        return model == null ? config : config.withModel(served(config.roots().getFirst()));
    }

    /// Adapters of runs below the first folder may be added while the model is open.
    private ServeConfig served(Path root) {
        ServeConfig config =
                ServeConfig.of(ModelConfig.of(model))
                        .withAdapters(adapters)
                        .withAdapterFolder(root.toAbsolutePath().normalize());
        return feedback == null ? config : config.withFeedback(feedback);
    }
}
