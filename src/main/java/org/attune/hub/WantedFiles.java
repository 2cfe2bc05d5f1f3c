package org.attune.hub;

import org.attune.error.HubException;
import org.attune.files.HubCache;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// Which files of a repository are downloaded.
///
/// @param include globs as Python's fnmatch has them, where `*` passes over slashes too; empty:
///     what Attune reads
/// @param exclude globs of what is left out of these
public record WantedFiles(List<String> include, List<String> exclude) {
    /// What Attune reads of a model beside its weights. Never pickles, which may run code.
    private static final List<String> MODEL =
            List.of("*.json", "*.jinja", "*.model", "*.txt", "README.md", "LICENSE*");

    /// How sentence-transformers' modules are set up.
    private static final List<String> MODULES =
            List.of("?_Pooling/config.json", "?_Normalize/config.json");

    private static final List<String> DATA =
            List.of(
                    "README.md",
                    "*.json",
                    "*.jsonl",
                    "*.csv",
                    "*.tsv",
                    "*.parquet",
                    "*.arrow",
                    "*.feather",
                    "*.txt",
                    "*.gz",
                    "*.zst");

    /// Other programs' copies of the same weights.
    private static final String CONSOLIDATED = "consolidated*";

    public WantedFiles {
        include = List.copyOf(include);
        exclude = List.copyOf(exclude);
    }

    /// What Attune reads.
    public static WantedFiles standard() {
        return new WantedFiles(List.of(), List.of());
    }

    /// @throws HubException if there is nothing to download, saying what there is
    List<HubFile> of(HubRepository repository, List<HubFile> all) {
        List<HubFile> chosen =
                include.isEmpty() ? standard(repository, all) : matching(all, include);
        List<HubFile> wanted =
                chosen.stream().filter(file -> !matches(exclude, file.path())).toList();
        if (wanted.isEmpty()) {
            throw new HubException(
                    "%s has no file that %s; it has %s"
                            .formatted(
                                    repository,
                                    include.isEmpty() ? "Attune reads" : "matches " + include,
                                    names(all)));
        }
        return wanted;
    }

    private static List<HubFile> standard(HubRepository repository, List<HubFile> all) {
        if (repository.kind() == HubCache.Kind.DATASETS) {
            return matching(all, DATA);
        }
        List<HubFile> top = all.stream().filter(f -> !f.path().contains("/")).toList();
        List<HubFile> weights = matching(top, List.of("*.safetensors"));
        if (weights.isEmpty()) {
            weights = onlyGguf(repository, top);
        } else if (weights.stream().anyMatch(f -> !matches(List.of(CONSOLIDATED), f.path()))) {
            weights =
                    weights.stream()
                            .filter(f -> !matches(List.of(CONSOLIDATED), f.path()))
                            .toList();
        }
        List<HubFile> wanted = new ArrayList<>(matching(top, MODEL));
        wanted.addAll(matching(all, MODULES));
        wanted.addAll(weights); // last: a folder with weights has everything
        return wanted;
    }

    private static List<HubFile> onlyGguf(HubRepository repository, List<HubFile> top) {
        List<HubFile> weights = matching(top, List.of("*.gguf"));
        if (weights.size() == 1) {
            return weights;
        }
        throw new HubException(
                weights.isEmpty()
                        ? "%s has no weights as safetensors or GGUF in its top folder; it has %s"
                                .formatted(repository, names(top))
                        : "%s has %d GGUF files; download one of them, as `attune download %s --include %s`: %s"
                                .formatted(
                                        repository,
                                        weights.size(),
                                        repository,
                                        weights.getFirst().path(),
                                        names(weights)));
    }

    private static String names(List<HubFile> files) {
        List<String> names = files.stream().map(HubFile::path).limit(20).toList();
        return names.isEmpty()
                ? "no files"
                : String.join(", ", names) + (files.size() > names.size() ? ", …" : "");
    }

    private static List<HubFile> matching(List<HubFile> files, List<String> globs) {
        return files.stream().filter(file -> matches(globs, file.path())).toList();
    }

    private static boolean matches(List<String> globs, String path) {
        return globs.stream().anyMatch(glob -> pattern(glob).matcher(path).matches());
    }

    private static Pattern pattern(String glob) {
        var regex = new StringBuilder();
        for (char c : glob.toCharArray()) {
            regex.append(
                    switch (c) {
                        case '*' -> ".*";
                        case '?' -> ".";
                        default -> Pattern.quote(String.valueOf(c));
                    });
        }
        return Pattern.compile(regex.toString(), Pattern.DOTALL);
    }
}
