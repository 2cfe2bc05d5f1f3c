package org.attune.ranks.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

final class JobPlanTest {
    private static final Path FILE = Path.of("/usr/bin/mpirun");
    private static final RankHosts HERE = new RankHosts(List.of());

    private static MpiLauncher launcher(String said) {
        return MpiLauncher.of(FILE, said);
    }

    private static String command(String said, JobPlan plan, Map<String, String> environment) {
        return String.join(
                " ",
                plan.command(launcher(said), environment, List.of("--mine"), List.of("a", "b")));
    }

    @Test
    void knowsLaunchersByWhatTheySay() {
        assertEquals(
                MpiLauncher.Kind.OPEN_MPI_4, launcher("mpirun (Open MPI) 4.1.4\n\nReport").kind());
        assertEquals(MpiLauncher.Kind.OPEN_MPI_5, launcher("mpirun (Open MPI) 5.0.11\n").kind());
        MpiLauncher hydra = launcher("HYDRA build details:\n    Version:     5.0.2\n");
        assertEquals(MpiLauncher.Kind.HYDRA, hydra.kind());
        assertEquals("MPICH's Hydra 5.0.2", hydra.version());
        String intel = "Intel(R) MPI Library for Linux* OS, Version 2021.11 Build 20231005";
        assertEquals(MpiLauncher.Kind.HYDRA, launcher(intel).kind());
        assertThrows(ConfigException.class, () -> launcher("mpirun of nobody"));
    }

    @Test
    void onOneMachineNothingIsBoundToOneCore() {
        var plan = new JobPlan(2, HERE, 8, false);
        assertEquals(4, plan.threads());
        assertFalse(plan.isCrowded());
        assertEquals(
                "/usr/bin/mpirun --bind-to none --mca mpi_yield_when_idle 1"
                        + " --mca oob_tcp_keepalive_intvl 5"
                        + " --mca oob_tcp_keepalive_probes 3 --mca oob_tcp_keepalive_time 20"
                        + " --mine -n 2 a b",
                command("mpirun (Open MPI) 4.1.4", plan, Map.of("HF_TOKEN", "x")));
        assertEquals(
                "/usr/bin/mpirun --mine -n 2 a b", command("HYDRA build details:", plan, Map.of()));
    }

    @Test
    void moreRanksThanCoresAreAllowedByName() {
        var plan = new JobPlan(4, HERE, 2, true);
        assertEquals(1, plan.threads());
        assertTrue(plan.isCrowded());
        String four = command("mpirun (Open MPI) 4.1.4", plan, Map.of());
        assertTrue(four.contains("--allow-run-as-root --bind-to none"), four);
        assertTrue(four.contains(" --oversubscribe "), four);
        String five = command("mpirun (Open MPI) 5.0.11", plan, Map.of());
        assertTrue(five.contains("--map-by :OVERSUBSCRIBE --prtemca oob_tcp"), five);
    }

    @Test
    void otherMachinesGetTheirVariablesByName() {
        RankHosts hosts = RankHosts.parse("node0:8, node1:4", 12);
        var plan = new JobPlan(12, hosts, 16, false);
        assertEquals(2, plan.threads());
        String command =
                command(
                        "mpirun (Open MPI) 4.1.4",
                        plan,
                        Map.of("HF_TOKEN", "secret", "HOME", "/root", "OMP_NUM_THREADS", "2"));
        assertTrue(
                command.contains("--host node0:8,node1:4 -x HF_TOKEN -x OMP_NUM_THREADS"), command);
        assertFalse(command.contains("secret") || command.contains("HOME "), command);
        String hydra = command("HYDRA build details:", plan, Map.of());
        assertTrue(hydra.contains("-hosts node0:8,node1:4"), hydra);
    }

    @Test
    void hostsAreReadStrictly() {
        assertEquals("a:2,b:2", RankHosts.parse("a,b", 3).text());
        assertThrows(ConfigException.class, () -> RankHosts.parse("a:0,b", 3));
        assertThrows(ConfigException.class, () -> RankHosts.parse("a;rm", 3));
        var few = assertThrows(ConfigException.class, () -> RankHosts.parse("a:1,b:1", 3));
        assertEquals("--hosts: a:1,b:1 take 2 ranks, --ranks asks for 3", few.getMessage());
    }

    @Test
    void saysHowAMissingLauncherIsInstalled() {
        var missing =
                assertThrows(
                        ConfigException.class,
                        () -> MpiLauncher.find(Map.of("ATTUNE_MPI_HOME", "/nowhere")));
        assertTrue(missing.getMessage().contains("apt install openmpi-bin"));
    }
}
