package org.attune.cli.fuzz;

import java.nio.file.Files;
import java.nio.file.Path;

/// Reads kept inputs once more. Arguments: folders that [Fuzz] wrote.
final class Replay {
    private Replay() {}

    public static void main(String[] args) throws Exception {
        int finds = 0;
        for (String arg : args) {
            Path folder = Path.of(arg);
            String report = Files.readString(folder.resolve(FuzzChild.REPORT));
            Target target = Targets.named(report.substring(0, report.indexOf(':'))).getFirst();
            Trial.Outcome outcome =
                    FuzzChild.trial(target)
                            .run(target.reader(), folder, Sample.read(folder).bytes());
            finds += outcome.find().isPresent() ? 1 : 0;
            System.out.println(folder + ": " + outcome.find().map(Find::details).orElse("nothing"));
        }
        System.exit(finds == 0 ? 0 : 1);
    }
}
