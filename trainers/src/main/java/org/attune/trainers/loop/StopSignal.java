package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.ranks.Collective;
import org.attune.ranks.SingleProcess;

/// A request, from any thread, to end a run early. The trainer looks at it between physical
/// micro-batches, writes a checkpoint of the last finished step and returns.
///
/// Several processes must heed it at the same time. [Among][#among] them a request counts from
/// where they [agree][#agree] on it.
@Api(EXPERIMENTAL)
public final class StopSignal {
    private final StopSignal asked;
    private final Collective ranks;
    private volatile boolean requested;

    public StopSignal() {
        asked = this;
        ranks = new SingleProcess();
    }

    private StopSignal(StopSignal asked, Collective ranks) {
        this.asked = asked;
        this.ranks = ranks;
    }

    /// This request as it counts among processes: as it was asked for, where there are no others.
    public StopSignal among(Collective all) {
        if (all.size() == 1) {
            return asked;
        }
        return ranks == all ? this : new StopSignal(asked, all);
    }

    /// Has a request to one process count for all. All processes call it at the same place.
    public void agree() {
        if (ranks.size() > 1 && !requested) {
            requested = ranks.any("wish to stop", asked.requested());
        }
    }

    /// Asks the run to stop.
    public void request() {
        asked.requested = true;
    }

    public boolean requested() {
        return requested;
    }
}
