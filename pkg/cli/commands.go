package cli

import (
	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/notify"
)

// entry is a subcommand that has not been made yet. Making all of them with their
// flags, to use one, costs a start fifteen page faults.
type entry struct {
	title string // of the group in the help that begins here
	name  string
	make  func() *cobra.Command
}

// entries is the list of subcommands in the order of the help.
func entries() []entry {
	return []entry{
		{"Start and stop", "run", runCommand},
		{"", "restart", restartCommand},
		{"", "stop", stopCommand},
		{"", "start", startCommand},
		{"Look into a running container", "status", statusCommand},
		{"", "logs", logsCommand},
		{"", "env", envCommand},
		{"", "steps", stepsCommand},
		{"", "render", renderCommand},
		{"", "exec", execCommand},
		{"", "log-level", logLevelCommand},
		{"", "notify", notifyCommand},
		{"Health", "health", healthCommand},
		{"", "check-liveness", checkLivenessCommand},
		{"", "check-readiness", checkReadinessCommand},
		{"", "probe", probeCommand},
		{"", "wait", waitCommand},
		{"Backups", "backup", backupCommand},
		{"", "restore", restoreCommand},
		{"Images", "init", initCommand},
		{"", "validate", validateCommand},
		{"", "variables", variablesCommand},
		{"", "completion", completionCommand},
		{"", "version", versionCommand},
		{"Run by supervisord and by files of the image", "cron", cronCommand},
		{"", "eventlistener", eventListenerCommand},
		{"", "stdout-log", stdoutLogCommand},
		{"", "script", scriptCommand},
		{"", "http-listener", httpListenerCommand},
		{"", "wake", wakeCommand},
		{"", health.WorkerCommand, restartWorkerCommand},
		{"", health.ResumeCommand, resumeCommand},
		{"", notify.WorkerCommand, notifyWorkerCommand},
	}
}
