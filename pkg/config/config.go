// Package config declares every environment variable of the container manager,
// once: its name, default and meaning. Load reads and checks them all.
package config

import "github.com/ZPascal/container-manager/pkg/retention"

// Config is the environment, loaded and checked. The README's table is printed from the
// tags below (see Markdown); a default may name variables declared above it. The tag
// kind names the check of a string (see checks). The tag empty is the value of a
// variable that is set but empty, when that is not the default. The tag group begins a
// new table. The value of a secret variable stays out of errors, an optional variable
// without a value ends up unset, and an internal one stays out of the tables.
type Config struct {
	ImageName    string `envconfig:"IMAGE_NAME" group:"Labels and time zone" desc:"Label on every shipped log line"`
	ImageVersion string `envconfig:"IMAGE_VERSION" desc:"Label on every shipped log line"`
	AppName      string `envconfig:"APP_NAME" desc:"Label on every shipped log line"`
	AppVersion   string `envconfig:"APP_VERSION" desc:"Label on every shipped log line"`
	TimeZone     string `envconfig:"TZ" kind:"zone" is:"optional" desc:"Time zone of cron and of log times; Europe/Berlin in the image, else the system's"`

	BaseDir       string `envconfig:"IMAGE_BASE_DIR" default:"/image" kind:"path" group:"The image tree" desc:"Root of the image tree"`
	RunDir        string `envconfig:"IMAGE_RUN_DIR" default:"/tmp/container-manager" kind:"path" desc:"Where everything generated goes; must be writable"`
	AppDir        string `envconfig:"IMAGE_APP_DIR" default:"$IMAGE_BASE_DIR/app" kind:"path" desc:"The application"`
	BackupToolDir string `envconfig:"IMAGE_BACKUP_DIR" default:"$IMAGE_BASE_DIR/backup" kind:"path" desc:"Entry point and scripts of backups"`
	ConfigDir     string `envconfig:"IMAGE_CONFIG_DIR" default:"$IMAGE_BASE_DIR/config" kind:"path" desc:"Configuration of the application, and the link to the saved environment"`
	CronDir       string `envconfig:"IMAGE_CRON_DIR" default:"$IMAGE_BASE_DIR/cron" kind:"path" desc:"The crontab"`
	HealthDir     string `envconfig:"IMAGE_HEALTH_DIR" default:"$IMAGE_BASE_DIR/health" kind:"path" desc:"Health checks"`
	LoggingDir    string `envconfig:"IMAGE_LOGGING_DIR" default:"$IMAGE_BASE_DIR/logging" kind:"path" desc:"Templates of filebeat and logrotate"`
	RestoreDir    string `envconfig:"IMAGE_RESTORE_DIR" default:"$IMAGE_BASE_DIR/restore" kind:"path" desc:"Entry point and scripts of restores"`
	SecretsDir    string `envconfig:"IMAGE_SECRETS_DIR" default:"$IMAGE_BASE_DIR/secrets" kind:"path" desc:"Secrets; the lock-down takes only the write bits of its files"`
	SupervisorDir string `envconfig:"IMAGE_SUPERVISOR_DIR" default:"$IMAGE_BASE_DIR/supervisord" kind:"path" desc:"Templates of supervisord"`

	TemplatesDir    string `envconfig:"IMAGE_TEMPLATES_DIR" default:"$IMAGE_BASE_DIR/templates" kind:"path" desc:"Templates of the application"`
	TemplatesTarget string `envconfig:"IMAGE_TEMPLATES_TARGET" default:"$IMAGE_RUN_DIR/templates" kind:"path" desc:"Where these are rendered, to the same path below it"`

	BackupScriptsDir  string `envconfig:"IMAGE_BACKUP_SCRIPTS_DIR" default:"$IMAGE_BACKUP_DIR/scripts" kind:"path" desc:"Scripts that stage what is backed up"`
	RestoreScriptsDir string `envconfig:"IMAGE_RESTORE_SCRIPTS_DIR" default:"$IMAGE_RESTORE_DIR/scripts" kind:"path" desc:"Scripts that put a backup back"`
	RunAlwaysDir      string `envconfig:"IMAGE_SETUP_RUNALWAYS_DIR" default:"$IMAGE_BASE_DIR/setup/run.always" kind:"path" desc:"Steps of every start"`
	RunOnceDir        string `envconfig:"IMAGE_SETUP_RUNONCE_DIR" default:"$IMAGE_BASE_DIR/setup/run.once" kind:"path" desc:"Steps of the first start"`
	RunFinishDir      string `envconfig:"IMAGE_SETUP_RUNFINISH_DIR" default:"$IMAGE_BASE_DIR/setup/run.finish" kind:"path" desc:"Scripts that run at the end"`
	LivenessDir       string `envconfig:"IMAGE_HEALTH_LIVENESS_DIR" default:"$IMAGE_HEALTH_DIR/liveness.probes.d" kind:"path" desc:"Liveness probes"`
	ReadinessDir      string `envconfig:"IMAGE_HEALTH_READINESS_DIR" default:"$IMAGE_HEALTH_DIR/readiness.probes.d" kind:"path" desc:"Readiness probes"`

	NotifyDir string `envconfig:"IMAGE_NOTIFY_DIR" default:"$IMAGE_BASE_DIR/notify.d" kind:"path" desc:"Scripts that are called when something is wrong"`

	StorageBaseDir  string   `envconfig:"STORAGE_BASE_DIR" default:"/storage" kind:"path" group:"Storage and the running container" desc:"Root of what outlives the container"`
	BackupDir       string   `envconfig:"STORAGE_BACKUP_DIR" default:"$STORAGE_BASE_DIR/backup" kind:"path" desc:"Backup archives"`
	ConfDir         string   `envconfig:"STORAGE_CONF_DIR" default:"$STORAGE_BASE_DIR/conf" kind:"path" desc:"Configuration that the application keeps"`
	DataDir         string   `envconfig:"STORAGE_DATA_DIR" default:"$STORAGE_BASE_DIR/data" kind:"path" desc:"Data of the application"`
	FilebeatDir     string   `envconfig:"STORAGE_FILEBEAT_DIR" default:"$STORAGE_BASE_DIR/filebeat" kind:"path" desc:"Data of filebeat"`
	FilebeatRegDir  string   `envconfig:"STORAGE_FILEBEAT_REG_DIR" default:"$STORAGE_BASE_DIR/filebeat_reg" kind:"path" desc:"Registry of filebeat: what it has shipped"`
	LogsDir         string   `envconfig:"STORAGE_LOGS_DIR" default:"$STORAGE_BASE_DIR/logs" kind:"path" desc:"Logs"`
	SupervisorLogs  string   `envconfig:"SUPERVISOR_LOGS_DIR" default:"$STORAGE_LOGS_DIR/supervisor" kind:"path" desc:"Logs of supervisord and its programs"`
	ProcessPIDDir   string   `envconfig:"PROCESS_PID_DIR" default:"/tmp" kind:"path" desc:"supervisor.NAME.pid of every program"`
	ProcessStateDir string   `envconfig:"PROCESS_STATE_DIR" default:"/tmp" kind:"path" desc:"supervisor.NAME.state of every program"`
	PIDFile         string   `envconfig:"IMAGE_SUPERVISOR_PIDFILE" default:"/tmp/supervisord.pid" kind:"path" desc:"supervisord's pid file"`
	Socket          string   `envconfig:"IMAGE_SUPERVISOR_SOCKET" default:"/tmp/supervisord.sock" kind:"socket" desc:"supervisord's socket"`
	MainProgram     string   `envconfig:"IMAGE_MAIN_PROGRAM" desc:"Program of supervisord with whose end the container ends, with its exit status"`
	Essential       Names    `envconfig:"IMAGE_ESSENTIAL_PROGRAMS" desc:"Programs of supervisord; when one of them is FATAL, has ended for good or ends again and again, the container ends and has failed"`
	RestartBackoff  Duration `envconfig:"IMAGE_RESTART_BACKOFF" default:"0" desc:"Longest pause until a program of the image that has ended is started again: none at first, then 1 s, and twice as long after each end; 0 is no pause"`
	FinishTimeout   Duration `envconfig:"IMAGE_FINISH_TIMEOUT" default:"30s" desc:"How long the scripts that run at the end may take together; 0 is no limit"`
	TerminationLog  string   `envconfig:"IMAGE_TERMINATION_LOG" default:"/dev/termination-log" kind:"path" desc:"File that is told, if it is there, why the container ends by itself or cannot start"`

	BackupEnabled   Bool             `envconfig:"IMAGE_BACKUP_ENABLED" default:"1" group:"Backup and restore" desc:"Put the backup job in the crontab"`
	BackupCron      string           `envconfig:"IMAGE_BACKUP_CRON" default:"2 1 * * *" kind:"schedule" desc:"When to back up"`
	BackupLog       string           `envconfig:"IMAGE_BACKUP_LOG" default:"$STORAGE_LOGS_DIR/backup.log" kind:"path" desc:"Log of the backup job"`
	BackupRetention retention.Policy `envconfig:"IMAGE_BACKUP_RETENTION" default:"3" desc:"How many archives to keep, and of how many days, weeks and so on the newest: 3 daily:7 weekly:4; 0 keeps all"`
	BackupPaths     Paths            `envconfig:"IMAGE_BACKUP_PATHS" kind:"backed-up" desc:"Directories and files to back up and restore without a script, with : between them"`
	BackupExclude   Patterns         `envconfig:"IMAGE_BACKUP_EXCLUDE" desc:"What to leave out of these, with : between them: names or paths with * ? and [a-z]; those with a leading / are whole paths"`
	BackupStop      Names            `envconfig:"IMAGE_BACKUP_STOP_PROGRAMS" desc:"Programs that are stopped while data is read or put back"`
	BackupTimeout   Duration         `envconfig:"IMAGE_BACKUP_SCRIPT_TIMEOUT" default:"12h" desc:"How long one script of a backup or restore may take; 0 is for ever"`
	BackupPostDir   string           `envconfig:"IMAGE_BACKUP_POST_DIR" default:"$IMAGE_BACKUP_DIR/post.d" kind:"path" desc:"Scripts that are called with the path of every new archive, for copies elsewhere"`
	AgeRecipients   string           `envconfig:"IMAGE_BACKUP_AGE_RECIPIENTS" kind:"recipients" is:"secret" desc:"Public keys of age that archives are encrypted to, with blanks between them"`
	AgePassphrase   string           `envconfig:"IMAGE_BACKUP_AGE_PASSPHRASE_FILE" kind:"path" is:"optional" desc:"File with a passphrase that archives are encrypted with instead"`
	BackupPingURL   string           `envconfig:"IMAGE_BACKUP_PING_URL" kind:"url" is:"secret" desc:"Dead man's switch that is told of each backup: URL/start before it, URL/EXITSTATUS behind"`
	AgeIdentities   string           `envconfig:"IMAGE_BACKUP_AGE_IDENTITY_FILE" default:"$IMAGE_SECRETS_DIR/backup-identity.txt" kind:"path" desc:"File with the secret keys of age that a restore decrypts with"`

	RestoreFirstStart Bool  `envconfig:"IMAGE_RESTORE_ON_FIRST_START" default:"true" desc:"Restore the newest archive on the first start"`
	RestoreMaxSize    Size  `envconfig:"IMAGE_RESTORE_MAX_SIZE" default:"1T" desc:"An archive that would unpack to more bytes than this is refused; 0 is no limit"`
	RestoreMaxFiles   Count `envconfig:"IMAGE_RESTORE_MAX_FILES" default:"10000000" desc:"An archive that holds more files than this is refused; 0 is no limit"`

	CronEnabled    Bool     `envconfig:"IMAGE_CRON_ENABLED" default:"1" group:"Cron and health" desc:"Start crond under supervisord"`
	CronStrict     Bool     `envconfig:"IMAGE_CRON_STRICT" default:"false" desc:"Refuse a crontab with a bad line instead of leaving the line out"`
	CronJobTimeout Duration `envconfig:"IMAGE_CRON_JOB_TIMEOUT" default:"0" desc:"How long a job may run until its process group is killed, such as 30m; 0 is no limit"`
	LogrotateCron  string   `envconfig:"IMAGE_LOGROTATE_CRON" default:"32 4 * * *" kind:"schedule" desc:"When to rotate logs"`
	HealthCron     string   `envconfig:"IMAGE_HEALTH_CRON" default:"*/5 * * * *" kind:"schedule" desc:"When both health checks run"`
	LivenessCheck  Bool     `envconfig:"IMAGE_HEALTH_LIVENESS_CHECK_ENABLED" default:"false" desc:"Run the liveness probes too; without them supervisord alone restarts what ends"`
	LivenessLog    string   `envconfig:"IMAGE_HEALTH_LIVENESS_LOG" default:"$STORAGE_LOGS_DIR/liveness.log" kind:"path" desc:"Log of the liveness checks"`
	ReadinessForce Bool     `envconfig:"IMAGE_HEALTH_READINESS_FORCE_REBOOT" default:"true" empty:"false" desc:"Restart a program whose readiness probe fails; set but empty is false"`
	ReadinessLog   string   `envconfig:"IMAGE_HEALTH_READINESS_LOG" default:"$STORAGE_LOGS_DIR/readiness.log" kind:"path" desc:"Log of the readiness checks"`
	HealthTimeout  Duration `envconfig:"IMAGE_HEALTH_TIMEOUT" default:"30s" desc:"How long a probe may take until its process group is killed, which counts as a failure; 0 is no limit"`
	HealthFailures Count    `envconfig:"IMAGE_HEALTH_FAILURE_THRESHOLD" default:"1" kind:"from1" desc:"How many times in a row a probe has to fail until its program is restarted"`
	HealthGrace    Duration `envconfig:"IMAGE_HEALTH_GRACE" default:"3s" desc:"A program that was started less than this ago is not restarted"`
	StartTimeout   Duration `envconfig:"IMAGE_START_TIMEOUT" default:"0" desc:"A program that others wait for (depends_on) and that is not ready this long after its start is an error, and the container unhealthy; 0 is no limit"`
	HealthCrashes  Rate     `envconfig:"IMAGE_HEALTH_CRASHES" default:"5/5m" desc:"A program that ends unexpectedly that many times within that time makes the container unhealthy; 0 is never"`
	HealthRestarts Rate     `envconfig:"IMAGE_HEALTH_MAX_RESTARTS" default:"0" desc:"When checks have restarted a program that many times within that time, and it is to be restarted again, the container ends; 0 is never"`

	HTTPAddress   string `envconfig:"IMAGE_HTTP_ADDRESS" kind:"listen" group:"Health and metrics over HTTP" desc:"Where health, metrics and a page are served: :9090, 127.0.0.1:9090 or unix:/path; empty is nowhere"`
	HTTPTokenFile string `envconfig:"IMAGE_HTTP_TOKEN_FILE" kind:"path" is:"optional" desc:"File with a token that metrics and page ask for; without it everybody who can connect sees them"`
	HTTPLogs      Bool   `envconfig:"IMAGE_HTTP_LOGS" default:"false" desc:"Show on the page the last lines of the programs' logs, and what errors quote of them"`

	NotifyURL     string   `envconfig:"IMAGE_NOTIFY_URL" kind:"url" is:"secret" group:"Notifications" desc:"Where the built-in webhook posts events to, as JSON; without it, nothing is posted"`
	NotifyEvery   Duration `envconfig:"IMAGE_NOTIFY_EVERY" default:"1h" desc:"How long the same event is not told again, but counted; 0 tells every one"`
	NotifyTimeout Duration `envconfig:"IMAGE_NOTIFY_TIMEOUT" default:"30s" desc:"How long a script of IMAGE_NOTIFY_DIR may take until its process group is killed; 0 is no limit"`

	RedisHost         string `envconfig:"LOGGING_REDIS_HOST" kind:"host" group:"Logs" desc:"host or host:port that filebeat ships logs to; it runs only when this is set, or the image has a filebeat-output.yml"`
	RedisPort         string `envconfig:"LOGGING_REDIS_PORT" kind:"port" desc:"Port of that Redis where the host does not name it, else 6379; ends up in LOGGING_REDIS_HOST"`
	RedisPassword     string `envconfig:"LOGGING_REDIS_PASSWORD" is:"secret" desc:"Password of that Redis; without one, none is sent"`
	RedisPasswordFile string `envconfig:"LOGGING_REDIS_PASSWORD_FILE" kind:"path" is:"optional" desc:"File that holds that password; wins over the variable"`
	RedisDB           string `envconfig:"LOGGING_REDIS_DB" default:"0" kind:"database" desc:"Number of the database in that Redis"`
	RedisKey          string `envconfig:"LOGGING_REDIS_KEY" default:"filebeat" kind:"key" desc:"Name of the list in it that lines are appended to"`
	RedisTLS          Bool   `envconfig:"LOGGING_REDIS_TLS" default:"false" desc:"Speak TLS with that Redis"`
	RedisCAFile       string `envconfig:"LOGGING_REDIS_CA_FILE" kind:"path" desc:"File with the certificates (PEM) that its own must be signed by; else the system's"`
	LogStdout         Bool   `envconfig:"IMAGE_LOG_STDOUT" default:"false" desc:"Write the logs of all programs to the container's standard output too, each line with the program's name"`
	LogFormat         string `envconfig:"IMAGE_LOG_FORMAT" default:"console" kind:"format" desc:"Form of the container manager's own log, and of what IMAGE_LOG_STDOUT writes: console or json"`
	LogLevel          string `envconfig:"IMAGE_LOG_LEVEL" default:"info" kind:"level" desc:"debug, info, warn or error, in capitals too"`
	NoColor           string `envconfig:"NO_COLOR" is:"optional" desc:"No colours in logs when set, on a terminal either"`

	// What supervisord and the health checks tell their descendants.
	Supervised      string `envconfig:"SUPERVISOR_PROCESS_NAME" is:"optional internal" desc:"Process of supervisord that this one descends from"`
	SupervisedGroup string `envconfig:"SUPERVISOR_GROUP_NAME" is:"optional internal" desc:"That process's group"`
	HealthCheck     string `envconfig:"IMAGE_HEALTH_CHECK" is:"optional internal" desc:"Health check that this process descends from: liveness or readiness"`

	// Environ is the whole environment (NAME=value) with the effective value of
	// every variable above, for the processes that are started.
	Environ []string `ignored:"true"`
}
