package org.attune.cli.hub;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.terminal.RunScreen;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.hub.HubDownload;
import org.attune.hub.HubRepository;
import org.attune.hub.HubSettings;
import org.attune.hub.HubUpload;
import org.attune.hub.UploadFile;
import org.attune.trainers.report.ResultFiles;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;

/// `attune upload FOLDER NAME[@BRANCH]`
@Command(
        name = "upload",
        description = {
            "Upload a run's result, or any folder, to the Hub.",
            "Needs HF_TOKEN, or the file token in HF_HOME, with a token that may write."
        })
public final class UploadCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FOLDER", description = "Its files are uploaded.")
    Path folder;

    @Parameters(
            index = "1",
            paramLabel = "NAME[@BRANCH]",
            description = "As org/name; made if it isn't there.")
    String name;

    @Option(names = "--dataset", description = "The repository is a data set.")
    boolean dataset;

    @Option(
            names = "--private",
            description =
                    "Nobody else may see it, if it is made now (default: as the account says).")
    boolean isPrivate;

    @Option(
            names = "--all",
            description =
                    "Checkpoints, completions, config.yaml, run.json and hidden files too (default:"
                            + " not).")
    boolean all;

    @Option(
            names = "--message",
            paramLabel = "TEXT",
            defaultValue = "Upload with Attune",
            description = "Of the commit (default: ${DEFAULT-VALUE}).")
    String message;

    @Override
    public Integer call() {
        HubCache.Kind kind = dataset ? HubCache.Kind.DATASETS : HubCache.Kind.MODELS;
        List<UploadFile> files = files();
        try (var screen = RunScreen.open(spec.commandLine().getOut())) {
            var sent = new AtomicLong();
            var upload = new HubUpload(HubSettings.ofEnvironment(), sent::addAndGet);
            HubRepository repository =
                    upload.create(
                            HubRepository.of(kind, name),
                            isPrivate ? Optional.of(true) : Optional.empty());
            screen.line("%s: %d files of %s".formatted(repository, files.size(), folder));
            screen.live(_ -> HubDownload.size(sent.get()) + " of large files sent");
            String address = upload.push(repository, files, message);
            screen.settle();
            screen.line("uploaded: " + address);
        }
        return ExitCodes.DONE;
    }

    private List<UploadFile> files() {
        if (!Files.isDirectory(folder)) {
            throw new ConfigException(folder + ": no such folder");
        }
        try {
            List<UploadFile> files = all ? ResultFiles.all(folder) : ResultFiles.shown(folder);
            if (files.isEmpty()) {
                throw new ConfigException(
                        folder + " has no files to upload; --all takes checkpoints and others too");
            }
            return files;
        } catch (IOException e) {
            throw new ConfigException("%s can't be read: %s".formatted(folder, e), e);
        }
    }
}
