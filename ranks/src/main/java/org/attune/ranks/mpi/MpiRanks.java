package org.attune.ranks.mpi;

import org.attune.ranks.Launched;
import org.attune.ranks.RankProvider;
import org.attune.ranks.RankSession;
import org.attune.ranks.RankSum;
import org.attune.ranks.launch.MpiLauncher;
import org.attune.ranks.launch.RankJob;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// Processes that a launcher of MPI starts, and that talk by its library.
public final class MpiRanks implements RankProvider {
    @Override
    public Job start(
            int ranks,
            String hosts,
            List<String> program,
            Map<String, String> variables,
            Consumer<String> lines) {
        return RankJob.start(ranks, hosts, program, variables, lines);
    }

    @Override
    public RankSession join(Launched launched, RankSum sum) {
        return new MpiSession(launched, sum);
    }

    @Override
    public void measure(Launched launched, int mebibytes, Consumer<String> lines) {
        RankMeasures.show(launched, mebibytes, lines);
    }

    @Override
    public String launcher() {
        MpiLauncher launcher = MpiLauncher.find(System.getenv());
        return launcher.file() + ": " + launcher.version();
    }
}
