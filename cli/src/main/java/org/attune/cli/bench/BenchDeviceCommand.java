package org.attune.cli.bench;

import org.attune.bench.BenchText;
import org.attune.bench.DeviceBench;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.UsesEngine;
import org.attune.error.ConfigException;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/// `attune bench device`
@Command(
        name = "device",
        description = {
            "Measure a device by itself: what a call costs, copies, products.",
            "Prints a Markdown table, beside PyTorch's figures where a Python is given."
        })
final class BenchDeviceCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Option(
            names = "--device",
            defaultValue = "auto",
            description = "auto, cpu, cuda or cuda:N (default: auto).")
    String device;

    @Option(
            names = "--size",
            defaultValue = "4096",
            description = "Rows and columns of the products (default: 4096).")
    int size;

    @Option(
            names = "--peer",
            paramLabel = "PYTHON",
            description = "Python with torch: measure it too.")
    Path python;

    @Option(
            names = "--peer-scripts",
            paramLabel = "FOLDER",
            defaultValue = "${env:ATTUNE_PEER_SCRIPTS:-.}",
            description =
                    "Has device_probe.py (default: $ATTUNE_PEER_SCRIPTS, else the current"
                            + " folder).")
    Path scripts;

    @Override
    public Integer call() throws IOException {
        if (size < 1) {
            throw new ConfigException("--size is " + size + "; accepted: at least 1");
        }
        PrintWriter out = spec.commandLine().getOut();
        Device measured = Device.parse(device);
        out.printf("device %s, libtorch %s%n", measured, Engine.libtorch());
        var bench = new DeviceBench(measured, size);
        Map<String, Double> attune = bench.run();
        Map<String, Double> pytorch = python == null ? Map.of() : pytorch(bench);
        out.print(BenchText.line(List.of("", "Attune", "PyTorch", "advantage")));
        out.println("|---|---|---|---|");
        DeviceBench.rows(attune, pytorch).forEach(row -> out.print(BenchText.line(row)));
        out.flush();
        return ExitCodes.DONE;
    }

    private Map<String, Double> pytorch(DeviceBench bench) throws IOException {
        Path log = Files.createTempFile("attune-device", ".log");
        Map<String, Double> figures =
                bench.ofPyTorch(python, scripts.toAbsolutePath().resolve("device_probe.py"), log);
        Files.delete(log);
        return figures;
    }
}
