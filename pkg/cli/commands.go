package cli

import (
	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/health"
)

// entry is a subcommand that has not been made yet. Making all of them with their
// flags, to use one, costs a start fifteen page faults.
type entry struct {
	name string
	make func() *cobra.Command
}

// group is a part of the list of subcommands, with its title in the help.
type group struct {
	title   string
	entries []entry
}

// groups are the subcommands in the order of the help.
func groups() []group {
	return []group{
		{"Start and stop", []entry{
			{"run", runCommand},
			{"restart", restartCommand},
			{"stop", stopCommand},
			{"start", startCommand},
		}},
		{"Look into a running container", []entry{
			{"status", statusCommand},
			{"logs", logsCommand},
			{"env", envCommand},
			{"steps", stepsCommand},
			{"render", renderCommand},
			{"exec", execCommand},
			{"log-level", logLevelCommand},
		}},
		{"Health", []entry{
			{"health", healthCommand},
			{"check-liveness", checkLivenessCommand},
			{"check-readiness", checkReadinessCommand},
			{"probe", probeCommand},
			{"wait", waitCommand},
		}},
		{"Backups", []entry{
			{"backup", backupCommand},
			{"restore", restoreCommand},
		}},
		{"Images", []entry{
			{"init", initCommand},
			{"validate", validateCommand},
			{"variables", variablesCommand},
			{"version", versionCommand},
		}},
		{"Run by supervisord and by files of the image", []entry{
			{"cron", cronCommand},
			{"eventlistener", eventListenerCommand},
			{"stdout-log", stdoutLogCommand},
			{"script", scriptCommand},
			{"http-listener", httpListenerCommand},
			{"wake", wakeCommand},
			{health.WorkerCommand, restartWorkerCommand},
			{health.ResumeCommand, resumeCommand},
		}},
	}
}

// entries is the list of all subcommands.
func entries() (all []entry) {
	for _, g := range groups() {
		all = append(all, g.entries...)
	}
	return all
}
