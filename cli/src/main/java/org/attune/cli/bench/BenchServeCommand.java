package org.attune.cli.bench;

import org.attune.bench.BenchHistory;
import org.attune.bench.BenchJson;
import org.attune.bench.Provenance;
import org.attune.bench.ServeBench;
import org.attune.bench.ServeBench.Load;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.terminal.RunScreen;
import org.attune.error.ConfigException;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.serve.ModelServer;
import org.attune.serve.ServeConfig;
import org.attune.trainers.report.Machine;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune bench serve`
@Command(
        name = "serve",
        description = {
            "Measure a server by clients that stream answers, more and more at once.",
            "Of this process, or any OpenAI-compatible one at --url."
        })
final class BenchServeCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "MODEL",
            description = "Folder or .gguf file; its server is started in this process.")
    String model;

    @Option(
            names = "--url",
            description = "A server that runs already, up to /v1; loopback keeps networks out.")
    URI url;

    @Option(
            names = "--served-model-name",
            split = ",",
            paramLabel = "NAME,…",
            defaultValue = "model",
            description =
                    "What requests call the model (default: ${DEFAULT-VALUE}). Clients take several"
                            + " names in turn, as of adapters.")
    List<String> names;

    @Option(
            names = "--adapter",
            paramLabel = "NAME=FOLDER",
            description = "Of the server in this process; name it in --served-model-name too.")
    Map<String, String> adapters = Map.of();

    @Option(
            names = "--clients",
            split = ",",
            paramLabel = "N,N,…",
            defaultValue = "1,8,32,64",
            description = "At once, one load after the other (default: ${DEFAULT-VALUE}).")
    List<Integer> clients;

    @Option(
            names = "--requests",
            defaultValue = "2",
            description = "Of each client (default: ${DEFAULT-VALUE}).")
    int requests;

    @Option(
            names = "--prompt",
            defaultValue = "49",
            description = "Words of a prompt (default: ${DEFAULT-VALUE}).")
    int prompt;

    @Option(
            names = "--new",
            defaultValue = "64",
            description = "Tokens of an answer (default: ${DEFAULT-VALUE}).")
    int newTokens;

    @Option(
            names = "--request-keys",
            paramLabel = "JSON",
            defaultValue = "{}",
            description =
                    "Further keys of each request, as {\"structured_outputs\": {\"regex\":"
                            + " \"[a-z ]{900}\"}}.")
    String keys;

    @Option(
            names = "--max-num-seqs",
            description = "Of the server in this process (default: the most clients).")
    Integer sequences;

    @Option(names = "--dtype", defaultValue = "auto", description = "auto, float32 or bfloat16.")
    DtypeChoice dtype;

    @Option(names = "--output", paramLabel = "FOLDER", description = "For result.json.")
    Path output;

    @Option(
            names = "--history",
            paramLabel = "FOLDER",
            description = "Gets a line with the result (default: bench/history, if there is one).")
    Path history;

    /// What result.json holds, and a line of the history.
    private record Result(
            String date,
            String commit,
            Machine machine,
            Map<String, String> versions,
            Map<String, Object> settings,
            List<Load> loads) {}

    @Override
    public boolean generates() {
        return true;
    }

    @Override
    public Integer call() {
        if ((model == null) == (url == null)) {
            throw new ConfigException(
                    "attune bench serve: give --model, whose server is started here, or the --url"
                            + " of one that runs");
        }
        if (clients.isEmpty() || clients.stream().anyMatch(n -> n < 1) || newTokens < 2) {
            throw new ConfigException("--clients take numbers from 1 on, --new from 2 on");
        }
        if (url != null) {
            report(url);
            return ExitCodes.DONE;
        }
        int most = clients.stream().mapToInt(n -> n).max().orElseThrow();
        ServeConfig config =
                ServeConfig.of(ModelConfig.of(model).withDtype(dtype))
                        .withName(ownName())
                        .withAdapters(adapters)
                        .withPort(0)
                        .withMaxNumSeqs(sequences == null ? most : sequences)
                        .withMaxModelLen(2 * prompt + newTokens + 16);
        try (var server = ModelServer.open(config)) {
            report(server.url());
        }
        return ExitCodes.DONE;
    }

    /// The first name that is no adapter's.
    private String ownName() {
        return names.stream().filter(n -> !adapters.containsKey(n)).findFirst().orElse("model");
    }

    private void report(URI at) {
        var bench =
                new ServeBench(
                        at,
                        names,
                        Optional.ofNullable(System.getenv("ATTUNE_API_KEY")),
                        prompt,
                        newTokens,
                        requests,
                        further());
        bench.measure(2); // what is slow the first time
        List<Load> loads = new ArrayList<>();
        clients.forEach(n -> loads.add(bench.measure(n)));
        try (var screen = RunScreen.open(spec.commandLine().getOut())) {
            BenchCommand.show(screen, List.of(), Load.table(loads));
        }
        var made = Provenance.now(BenchCommand.versions(), Optional.empty());
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("command", BenchCommand.typed(spec));
        settings.put("prompt", prompt);
        settings.put("new", newTokens);
        settings.put("requests", requests);
        settings.put("keys", further());
        var result =
                new Result(
                        made.date(),
                        made.commit(),
                        Machine.current(),
                        made.versions(),
                        settings,
                        loads);
        if (output != null) {
            BenchJson.write(BenchCommand.folder(output).resolve("result.json"), result);
        }
        BenchHistory.of(history).ifPresent(h -> h.add("serve", result));
    }

    private Map<String, Object> further() {
        return BenchJson.object(keys, "--request-keys");
    }
}
