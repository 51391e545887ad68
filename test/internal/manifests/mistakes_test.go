package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMistakesAreFound makes mistakes in copies of the base: what passes above
// passes because it was looked at.
func TestMistakesAreFound(t *testing.T) {
	for _, m := range []struct{ file, old, mistake, want string }{
		{"deployment.yaml", "failureThreshold: 720", "failureThresold: 720", `unknown field "spec.template.spec.containers[0].startupProbe.failureThresold"`},
		{"deployment.yaml", "replicas: 1", "replicas: one", "cannot unmarshal string"},
		{"deployment.yaml", "      app.kubernetes.io/name: webapp\n  template", "      app.kubernetes.io/name: web\n  template", "Deployment webapp: whether its selector"},
		{"deployment.yaml", "type: Recreate", "type: RollingUpdate", "ReadWriteOnce"},
		{"deployment.yaml", "path: /readyz", "path: /livez", "the readiness probe asks for /livez"},
		{"deployment.yaml", "value: \":9090\"", "value: \":9091\"", "the liveness probe asks for /livez at port 9090, want /livez at port 9091"},
		{"deployment.yaml", "name: IMAGE_HTTP_ADDRESS", "name: IMAGE_HTTP_ADDRES", "at port ? of IMAGE_HTTP_ADDRESS"},
		{"deployment.yaml", "prometheus.io/port: \"9090\"", "prometheus.io/port: \"8080\"", `prometheus.io/port is "8080", want "9090"`},
		{"deployment.yaml", "name: metrics", "name: probes", "has no port metrics at 9090"},
		{"deployment.yaml", "claimName: webapp-storage", "claimName: webapp", "there is no claim webapp"},
		{"deployment.yaml", "/image/secrets/redis-password", "/image/secrets/password", "FILE__LOGGING_REDIS_PASSWORD=/image/secrets/password: no mounted secret"},
		{"deployment.yaml", "mountPath: /image/secrets", "mountPath: /secrets", "IMAGE_BACKUP_AGE_PASSPHRASE_FILE=/image/secrets/backup-passphrase: no mounted secret"},
		{"deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "not of the restricted profile"},
		{"deployment.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "not of the restricted profile"},
		{"deployment.yaml", "- name: tmp\n          emptyDir", "- name: temp\n          emptyDir", "/tmp: there is no volume tmp"},
		{"service.yaml", "targetPort: http", "targetPort: web", "port web is none of"},
		{"service.yaml", "  selector:\n    app.kubernetes.io/name: webapp", "  selector:\n    app.kubernetes.io/part-of: webapp", "want one"},
		{"offsite-copy.yaml", "key: access-key-id", "key: access-key", "has no key access-key"},
		{"offsite-copy.yaml", "          labels:\n            app.kubernetes.io/name: webapp-offsite", "          labels:\n            app.kubernetes.io/name: webapp", "matches the pods of CronJob webapp-offsite: true"},
		{"offsite-copy.yaml", "image: rclone", "image: rsync", "image rsync has no tag"},
		{"offsite-copy.yaml", "ephemeral-storage: 128Mi", "cpu: 500m", "ephemeral-storage is not requested, or not limited"},
		{"deployment.yaml", "name: IMAGE_LOG_STDOUT", "name: IMAGE_LOG_STDERR", "keeps what programs print from kubectl logs"},
		{"deployment.yaml", "              subPath: logrotate-app.conf\n", "", `subPath "" is no key of config map`},
		{"deployment.yaml", "subPath: logrotate-app.conf", "subPath: logrotate.conf", `subPath "logrotate.conf" is no key of config map`},
		{"deployment.yaml", "subPath: logrotate-app.conf\n              readOnly: true", "subPath: logrotate-app.conf", "mounted as if it could be written"},
		{"deployment.yaml", "logrotate.d/logrotate-app.conf", "logrotate.d/logrotate-web.conf", "the image has no such file"},
		{"deployment.yaml", "name: webapp-files", "name: webapp-file", "there is no config map webapp-file"},
		{"network.yaml", "policyTypes: [Ingress, Egress]", "policyType: [Ingress, Egress]", `unknown field "spec.policyType"`},
		{"network.yaml", "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "want Ingress and Egress"},
		{"network.yaml", "      app.kubernetes.io/name: webapp\n  policyTypes", "      app.kubernetes.io/name: web\n  policyTypes", "whether its selector"},
		{"network.yaml", "port: http", "port: web", "port web is none of Deployment webapp"},
		{"network.yaml", "- ports:\n        - port: http", "- ports: []", "a rule lets everybody it names in at every port"},
		{"network.yaml", "        - port: metrics", "        - port: http", "port metrics: let in false"},
		{"network.yaml", "    - from:\n        - namespaceSelector:\n            matchLabels:\n              kubernetes.io/metadata.name: monitoring\n      ports", "    - ports", "port metrics: let in true, from everywhere true"},
		{"network.yaml", "        - {port: 53, protocol: TCP}\n", "", "cannot ask DNS by UDP and TCP"},
		{"network.yaml", "port: 6379", "port: 6380", "cannot reach Redis"},
		{"storage.yaml", "kind: PersistentVolumeClaim", "kind: PersistentVolume", `unknown field "spec.resources"`},
		{"service.yaml", "kind: Service", "kind: Services", `no kind "Services" is registered`},
		{"kustomization.yaml", "  - name: webapp\n    literals", "  - name: app\n    literals", "there is no secret webapp"},
		{"kustomization.yaml", "redis-password=", "password=", "FILE__LOGGING_REDIS_PASSWORD=/image/secrets/redis-password: no mounted secret"},
		{"kustomization.yaml", "  - service.yaml\n", "  - services.yaml\n", "services.yaml"},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(examples, "base"))); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, m.file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), m.old) {
			t.Errorf("%s does not say %q, so that no mistake can be made there", m.file, m.old)
			continue
		}
		wrong := strings.Replace(string(text), m.old, m.mistake, 1)
		if err := os.WriteFile(filepath.Join(dir, m.file), []byte(wrong), 0o644); err != nil {
			t.Fatal(err)
		}
		all, err := load(dir)
		found := strings.Join(all.problems(), "\n")
		if err != nil {
			found = err.Error()
		}
		if !strings.Contains(found, m.want) {
			t.Errorf("%s with %q in place of %q: found %q, want %q", m.file, m.mistake, m.old, found, m.want)
		}
	}
}
