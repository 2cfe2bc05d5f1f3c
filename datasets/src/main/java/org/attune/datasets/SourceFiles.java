package org.attune.datasets;

import org.attune.datasets.formats.DatasetInfo;
import org.attune.datasets.formats.LlamaFactorySpec;
import org.attune.datasets.rows.RowFiles;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.error.Excerpt;
import org.attune.error.HubException;
import org.attune.files.GivenPath;
import org.attune.files.HubCache;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Finds the files of a source.
///
/// @param files the files, in reading order
/// @param spec  what a `dataset_info.json` says about them, if it does
/// @param split which part of their rows
record SourceFiles(List<Path> files, Optional<LlamaFactorySpec> spec, SplitSpec split) {

    /// Finds them: a file, `folder#name`, a folder with or without `dataset_info.json`, or a data
    /// set on the Hub.
    ///
    /// @param base what relative paths start from
    /// @throws DatasetException if there is nothing, with what to do
    static SourceFiles of(DatasetSource source, Path base, HubCache hub) {
        try {
            return found(source, base, hub);
        } catch (InvalidPathException e) {
            throw new DatasetException(
                    "%s is no path: %s".formatted(Excerpt.of(source), e.getReason()), e);
        }
    }

    private static SourceFiles found(DatasetSource source, Path base, HubCache hub) {
        String path = GivenPath.expand(source.path());
        int hash = path.lastIndexOf('#');
        Path whole = base.resolve(path).normalize();
        if (hash > 0 && !Files.exists(whole)) {
            return folder(
                    base.resolve(path.substring(0, hash)).normalize(),
                    Optional.of(path.substring(hash + 1)),
                    source,
                    hub);
        }
        if (Files.isDirectory(whole)) {
            return folder(whole, source.name(), source, hub);
        }
        if (Files.exists(whole)) {
            return file(whole, source);
        }
        if (HubCache.isRepositoryName(source.path()) && !RowFiles.isSupported(whole)) {
            return new SourceFiles(
                    DataFiles.of(cached(source.path(), hub), source.name(), source.split().split()),
                    Optional.empty(),
                    source.split());
        }
        throw new DatasetException(
                "%s: there is no such file or folder (looked for %s)"
                        .formatted(source.path(), whole.toAbsolutePath()));
    }

    private static SourceFiles file(Path file, DatasetSource source) {
        requireTrain(file.toString(), file, source.split());
        Path parent = file.toAbsolutePath().getParent();
        if (source.type().isPresent() || parent == null) {
            return new SourceFiles(List.of(file), Optional.empty(), source.split());
        }
        List<LlamaFactorySpec> specs =
                DatasetInfo.in(parent)
                        .map(info -> info.of(file.getFileName().toString()))
                        .orElse(List.of());
        if (source.name().isPresent()) {
            specs = specs.stream().filter(s -> s.name().equals(source.name().get())).toList();
        }
        if (specs.size() > 1) {
            throw new DatasetException(
                    "%s may mean several data sets in %s: %s; say which with name:"
                            .formatted(
                                    file,
                                    DatasetInfo.FILE_NAME,
                                    String.join(
                                            ", ",
                                            specs.stream().map(LlamaFactorySpec::name).toList())));
        }
        return specs.isEmpty()
                ? new SourceFiles(List.of(file), Optional.empty(), source.split())
                : described(file, specs.getFirst(), source, parent.resolve(DatasetInfo.FILE_NAME));
    }

    private static void requireTrain(String where, Path file, SplitSpec split) {
        if (!split.split().equals("train")) {
            throw new DatasetException(
                    "%s: %s is one file and has no split \"%s\"; accepted is train, with a range if wanted: train[:90%%]"
                            .formatted(where, file.getFileName(), split.split()));
        }
    }

    /// The files of an entry of a `dataset_info.json`. The run's own split counts where it asks
    /// for another than `train`.
    private static SourceFiles described(
            Path location, LlamaFactorySpec spec, DatasetSource source, Path info) {
        String where = info + ": " + Excerpt.of(spec.name());
        SplitSpec split =
                source.split().equals(SplitSpec.TRAIN)
                        ? spec.part()
                                .split()
                                .map(text -> split(text, where))
                                .orElse(SplitSpec.TRAIN)
                        : source.split();
        if (Files.isDirectory(location)) {
            Path folder =
                    spec.part()
                            .folder()
                            .map(name -> inside(location, name, where))
                            .orElse(location);
            return new SourceFiles(
                    DataFiles.of(folder, spec.part().subset(), split.split()),
                    Optional.of(spec),
                    split);
        }
        if (spec.part().folder().isPresent() || spec.part().subset().isPresent()) {
            throw new DatasetException(
                    "%s: %s is one file, so folder and subset choose nothing; remove them, or name the folder by file_name"
                            .formatted(where, location));
        }
        requireTrain(where, location, split);
        return new SourceFiles(List.of(location), Optional.of(spec), split);
    }

    private static SplitSpec split(String text, String where) {
        try {
            return SplitSpec.parse(text);
        } catch (ConfigException e) {
            throw new DatasetException(where + ": " + e.getMessage(), e);
        }
    }

    private static Path inside(Path location, String name, String where) {
        Path folder;
        try {
            folder = location.resolve(name).normalize();
        } catch (InvalidPathException e) {
            throw new DatasetException(where + ": folder is no path: " + e.getReason(), e);
        }
        if (!folder.startsWith(location.normalize()) || !Files.isDirectory(folder)) {
            throw new DatasetException(
                    "%s: folder is %s; a folder in %s is accepted"
                            .formatted(where, Excerpt.of(name), location));
        }
        return folder;
    }

    private static SourceFiles folder(
            Path folder, Optional<String> name, DatasetSource source, HubCache hub) {
        if (!Files.isDirectory(folder)) {
            throw new DatasetException(
                    source.path() + ": there is no folder " + folder.toAbsolutePath());
        }
        Optional<DatasetInfo> info = DatasetInfo.in(folder);
        if (info.isEmpty()) {
            return new SourceFiles(
                    DataFiles.of(folder, name, source.split().split()),
                    Optional.empty(),
                    source.split());
        }
        if (name.isEmpty()) {
            throw new DatasetException(
                    "%s has a %s with several data sets; say which with name: %s"
                            .formatted(
                                    folder,
                                    DatasetInfo.FILE_NAME,
                                    String.join(" | ", info.get().datasets().keySet())));
        }
        LlamaFactorySpec spec = info.get().named(name.get());
        if (spec.onHub() && !HubCache.isRepositoryName(spec.location())) {
            throw new DatasetException(
                    "%s: %s: hf_hub_url is %s; the name of a data set is accepted, as org/name"
                            .formatted(
                                    info.get().file(), spec.name(), Excerpt.of(spec.location())));
        }
        if (spec.onHub()) {
            return described(cached(spec.location(), hub), spec, source, info.get().file());
        }
        Path location = within(folder, info.get(), spec);
        if (!Files.exists(location)) {
            throw new DatasetException(
                    "%s: %s says the data is in %s, which doesn't exist"
                            .formatted(info.get().file(), spec.name(), location));
        }
        return described(location, spec, source, info.get().file());
    }

    /// Where an entry's rows are. It may be a stranger's, so it names nothing outside of its
    /// folder.
    private static Path within(Path folder, DatasetInfo info, LlamaFactorySpec spec) {
        Path location;
        try {
            location = folder.resolve(spec.location()).normalize();
        } catch (InvalidPathException e) {
            throw new DatasetException(
                    "%s: %s: file_name is no path: %s"
                            .formatted(info.file(), Excerpt.of(spec.name()), e.getReason()),
                    e);
        }
        if (!location.toAbsolutePath().startsWith(folder.toAbsolutePath().normalize())) {
            throw new DatasetException(
                    "%s: %s: file_name is %s, which is not in this folder; move or link the file there"
                            .formatted(
                                    info.file(),
                                    Excerpt.of(spec.name()),
                                    Excerpt.of(spec.location())));
        }
        return location;
    }

    private static Path cached(String name, HubCache hub) {
        try {
            return hub.find(HubCache.Kind.DATASETS, name, HubCache.MAIN);
        } catch (HubException e) {
            throw new DatasetException(
                    "%s is neither a file or folder here nor a data set that can be had: %s"
                            .formatted(name, e.getMessage()),
                    e);
        }
    }
}
