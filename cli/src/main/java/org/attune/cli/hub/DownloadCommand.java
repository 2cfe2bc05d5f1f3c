package org.attune.cli.hub;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.terminal.RunScreen;
import org.attune.files.HubCache;
import org.attune.hub.HubDownload;
import org.attune.hub.HubRepository;
import org.attune.hub.HubSettings;
import org.attune.hub.WantedFiles;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune download NAME[@REVISION]`
@Command(
        name = "download",
        description = {
            "Download a model, an adapter or a data set from the Hub.",
            "What was interrupted goes on where it ended; what is there is not downloaded again."
        })
public final class DownloadCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(
            paramLabel = "NAME[@REVISION]",
            description = "As org/name, or org/name@v1.0: a branch, a tag or a commit.")
    String name;

    @Option(names = "--dataset", description = "The name is that of a data set.")
    boolean dataset;

    @Option(
            names = "--include",
            paramLabel = "GLOB",
            description = "Files to download (default: what Attune reads; never pickles).")
    List<String> include = new ArrayList<>();

    @Option(names = "--exclude", paramLabel = "GLOB", description = "Files to leave out of these.")
    List<String> exclude = new ArrayList<>();

    @Override
    public Integer call() {
        HubCache.Kind kind = dataset ? HubCache.Kind.DATASETS : HubCache.Kind.MODELS;
        try (var screen = RunScreen.open(spec.commandLine().getOut())) {
            HubCache cache = HubCache.of(System.getenv(), Path.of(System.getProperty("user.home")));
            Path folder =
                    new HubDownload(HubSettings.ofEnvironment(), cache, new TransferLine(screen))
                            .fetch(HubRepository.of(kind, name), new WantedFiles(include, exclude));
            screen.settle();
            screen.line(folder.toString());
        }
        return ExitCodes.DONE;
    }
}
