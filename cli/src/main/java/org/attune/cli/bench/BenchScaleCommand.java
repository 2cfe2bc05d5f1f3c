package org.attune.cli.bench;

import org.attune.bench.BenchText;
import org.attune.bench.ModelShape;
import org.attune.bench.scale.Cluster;
import org.attune.bench.scale.MeasuredSteps;
import org.attune.bench.scale.Sharding;
import org.attune.bench.scale.StepModel;
import org.attune.bench.scale.Workload;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.error.ConfigException;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune bench scale`
@Command(
        name = "scale",
        description = {
            "What a step would take on many H100, by formulas, without running anything.",
            "docs/scale.md has the formulas and what they assume."
        })
final class BenchScaleCommand implements Callable<Integer> {
    private static final double GIGA = 1e9;
    private static final double BITS = 8;
    private static final int DRAWN = 200;
    private static final int RANK = 16;

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Option(
            names = "--devices",
            split = ",",
            defaultValue = "8,64,256,1024",
            paramLabel = "N",
            description = "How many (default: 8,64,256,1024).")
    List<Integer> devices;

    @Option(
            names = "--tokens",
            defaultValue = "8192",
            description = "Tokens of a device in a step (default: 8192).")
    double tokens;

    @Option(
            names = "--micro-batches",
            defaultValue = "1",
            description = "In which it computes them (default: 1).")
    int microBatches;

    @Option(
            names = "--network",
            paramLabel = "GBIT",
            description = {
                "Gbit/s that a machine of 8 reaches over its network",
                "(default: 2880, nine tenths of 8 x 400)."
            })
    Optional<Double> network;

    @Option(
            names = "--hidden",
            defaultValue = "0",
            description = {
                "Part of the products beside which messages go",
                "(default: 0, they follow them as in a run)."
            })
    double hidden;

    @Option(
            names = "--metrics",
            paramLabel = "FILE",
            description = {
                "metrics.jsonl of a run with logging_steps: 1;",
                "the steps of all devices are drawn from its step times."
            })
    Optional<Path> metrics;

    @Override
    public Integer call() {
        if (!(hidden >= 0 && hidden <= 1)) {
            throw new ConfigException("--hidden is %s; accepted: 0 to 1".formatted(hidden));
        }
        if (devices.stream().anyMatch(n -> n < 1) || !(tokens > 0) || microBatches < 1) {
            throw new ConfigException(
                    "--devices is %s, --tokens %s, --micro-batches %d; accepted: numbers above 0"
                            .formatted(devices, tokens, microBatches));
        }
        Optional<MeasuredSteps> measured = metrics.map(MeasuredSteps::of);
        PrintWriter out = spec.commandLine().getOut();
        List<String> titles =
                new ArrayList<>(
                        List.of(
                                "model",
                                "zero_stage",
                                "devices",
                                "GB held",
                                "GB sent",
                                "products s",
                                "messages s",
                                "exposed s",
                                "efficiency"));
        measured.ifPresent(_ -> titles.add("with measured steps"));
        out.print(BenchText.line(titles));
        out.println("|---".repeat(titles.size()) + "|");
        for (Workload work : workloads()) {
            for (Sharding sharding : Sharding.values()) {
                for (int n : devices) {
                    out.print(BenchText.line(row(work, sharding, n, measured)));
                }
            }
        }
        out.flush();
        return ExitCodes.DONE;
    }

    private static List<Workload> workloads() {
        var smol = new ModelShape(576, 1536, 30, 9, 3, 64, 49152, true);
        var eight = new ModelShape(4096, 14336, 32, 32, 8, 128, 128256, false);
        var seventy = new ModelShape(8192, 28672, 80, 64, 8, 128, 128256, false);
        return List.of(
                Workload.lora("SmolLM2-135M, LoRA", smol, RANK),
                Workload.full("SmolLM2-135M, all weights", smol),
                Workload.lora("8B, LoRA", eight, RANK),
                Workload.full("8B, all weights", eight),
                Workload.lora("70B, LoRA", seventy, RANK),
                Workload.full("70B, all weights", seventy));
    }

    private List<String> row(
            Workload work, Sharding sharding, int n, Optional<MeasuredSteps> measured) {
        Cluster cluster =
                network.map(bits -> Cluster.h100().withAcross(bits * GIGA / BITS))
                        .orElse(Cluster.h100());
        var step =
                new StepModel(
                        cluster.withHidden(hidden), work, sharding, tokens, microBatches, true);
        List<String> cells =
                new ArrayList<>(
                        List.of(
                                work.name(),
                                sharding.stage(),
                                String.valueOf(n),
                                BenchText.number(sharding.held(work, n) / GIGA),
                                BenchText.number(sharding.sent(work, n, microBatches) / GIGA),
                                BenchText.number(step.products()),
                                BenchText.number(step.messages(n)),
                                BenchText.number(step.exposed(n)),
                                share(step.efficiency(n))));
        measured.ifPresent(steps -> cells.add(share(drawn(steps, step, n))));
        return cells;
    }

    /// The measured steps vary as they do, at the model's own speed.
    private static double drawn(MeasuredSteps steps, StepModel step, int n) {
        double exposed = step.exposed(n) / (step.products() + step.update(n)) * steps.mean();
        return steps.efficiency(n, exposed, DRAWN, 1);
    }

    private static String share(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }
}
