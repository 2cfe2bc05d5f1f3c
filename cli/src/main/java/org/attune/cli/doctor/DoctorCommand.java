package org.attune.cli.doctor;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune doctor`
@Command(
        name = "doctor",
        description = {
            "Say what this machine has for Attune, and what is missing.",
            "Exit code 1 if something is missing without which no run starts."
        })
public final class DoctorCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Option(
            names = "--online",
            description = "Ask the Hub too; without it nothing goes over the network.")
    boolean online;

    @Override
    public Integer call() {
        var examination = new Examination(Path.of("/"), System.getenv());
        List<Finding> findings = new ArrayList<>(examination.findings());
        if (online) {
            findings.add(examination.reachability());
        }
        PrintWriter out = spec.commandLine().getOut();
        for (Finding finding : findings) {
            out.printf("%-8s %-18s %s%n", finding.verdict().text(), finding.what(), finding.text());
        }
        long missing =
                findings.stream().filter(f -> f.verdict() == Finding.Verdict.MISSING).count();
        out.println(
                missing == 0
                        ? "nothing is missing"
                        : "missing: %d; what to do stands beside each".formatted(missing));
        out.flush();
        return missing == 0 ? ExitCodes.DONE : ExitCodes.FAILED;
    }
}
