package org.attune.cli.bench;

import org.attune.bench.Peer;
import org.attune.bench.TransformersPeft;
import org.attune.bench.TrlOrLlama;

import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A program that takes turns with a benchmark.
final class PeerOptions {
    @Option(
            names = "--peer",
            paramLabel = "PYTHON",
            description =
                    "Python with TRL and llama-cpp-python: measure these on the same work, in"
                            + " turn.")
    Path python;

    @Option(
            names = "--peer-program",
            defaultValue = "TRL",
            description =
                    "trl: TRL and llama.cpp, on the processor; peft: transformers and PEFT on"
                            + " --device, for sft, generate and prefill (default: trl).")
    Program program;

    enum Program {
        TRL,
        PEFT
    }

    @Option(
            names = "--peer-scripts",
            paramLabel = "FOLDER",
            defaultValue = "${env:ATTUNE_PEER_SCRIPTS:-.}",
            description =
                    "Has trl_bench.py and llamacpp_bench.py, or peft_bench.py (default:"
                            + " $ATTUNE_PEER_SCRIPTS, else the current folder).")
    Path scripts;

    @Option(
            names = "--peer-model",
            paramLabel = "MODEL",
            description = "What the peer loads: a folder for TRL, a .gguf file for llama.cpp.")
    Path model;

    @Option(
            names = "--peer-settings",
            paramLabel = "TEXT",
            description = "The script's options, e.g. \"--autocast --gc\" (default: the fastest).")
    String settings;

    @Option(
            names = "--peer-tune",
            description = "Try the peer's settings first and keep the fastest.")
    boolean tune;

    Optional<Peer> peer() {
        return Optional.ofNullable(python)
                .map(
                        p ->
                                new Peer(
                                        p,
                                        scripts.toAbsolutePath(),
                                        switch (program) {
                                            case TRL ->
                                                    new TrlOrLlama(
                                                            Optional.ofNullable(model)
                                                                    .map(Path::toAbsolutePath));
                                            case PEFT -> new TransformersPeft();
                                        }));
    }

    Optional<List<String>> chosen() {
        return Optional.ofNullable(settings)
                .map(text -> text.isBlank() ? List.of() : List.of(text.strip().split("\\s+")));
    }
}
