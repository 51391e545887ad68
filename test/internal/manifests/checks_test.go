package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// problems are what is wrong between objects that fit the API each by itself.
func (all objects) problems() (problems []string) {
	for _, d := range all.deployments {
		problems = append(problems, all.deploymentProblems(d)...)
	}
	for _, s := range all.services {
		problems = append(problems, all.serviceProblems(s)...)
	}
	for _, p := range all.policies {
		problems = append(problems, all.policyProblems(p)...)
	}
	for name, pod := range all.pods() {
		for _, problem := range all.podProblems(pod.Spec) {
			problems = append(problems, name+": "+problem)
		}
	}
	return problems
}

// pods are the templates of all pods, by the kind and name of their owner.
func (all objects) pods() map[string]corev1.PodTemplateSpec {
	pods := map[string]corev1.PodTemplateSpec{}
	for _, d := range all.deployments {
		pods["Deployment "+d.Name] = d.Spec.Template
	}
	for _, j := range all.cronJobs {
		pods["CronJob "+j.Name] = j.Spec.JobTemplate.Spec.Template
	}
	return pods
}

func (all objects) deploymentProblems(d *appsv1.Deployment) (problems []string) {
	problem := func(format string, args ...any) {
		problems = append(problems, "Deployment "+d.Name+": "+fmt.Sprintf(format, args...))
	}
	selector := labels.SelectorFromSet(d.Spec.Selector.MatchLabels)
	for name, pod := range all.pods() {
		own := name == "Deployment "+d.Name
		if matches := selector.Matches(labels.Set(pod.Labels)); matches != own {
			problem("whether its selector %s matches the pods of %s: %v, want %v", selector, name, matches, own)
		}
	}
	if d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		problem("strategy %q: two pods would share a ReadWriteOnce volume", d.Spec.Strategy.Type)
	}
	for _, c := range d.Spec.Template.Spec.Containers {
		port := listensOn(c)
		paths := map[string]string{"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
		for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
			switch {
			case probe == nil || probe.HTTPGet == nil:
				problem("container %s has no %s probe that asks over HTTP", c.Name, name)
			case probe.HTTPGet.Path != paths[name] || probe.HTTPGet.Port.String() != port:
				problem("container %s: the %s probe asks for %s at port %s, want %s at port %s of IMAGE_HTTP_ADDRESS", c.Name, name, probe.HTTPGet.Path, probe.HTTPGet.Port.String(), paths[name], port)
			}
		}
		for name, want := range map[string]string{"scrape": "true", "port": port, "path": "/metrics"} {
			if got := d.Spec.Template.Annotations["prometheus.io/"+name]; got != want {
				problem("prometheus.io/%s is %q, want %q", name, got, want)
			}
		}
		if !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == "metrics" && fmt.Sprint(p.ContainerPort) == port }) {
			problem("container %s has no port metrics at %s", c.Name, port)
		}
		if !slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "IMAGE_LOG_STDOUT" && e.Value == "true" }) {
			problem("container %s keeps what programs print from kubectl logs: IMAGE_LOG_STDOUT is not true", c.Name)
		}
	}
	return problems
}

// listensOn is the port of the container manager's own listener.
func listensOn(c corev1.Container) string {
	for _, e := range c.Env {
		if port, ok := strings.CutPrefix(e.Value, ":"); ok && e.Name == "IMAGE_HTTP_ADDRESS" {
			return port
		}
	}
	return "?"
}

func (all objects) serviceProblems(s *corev1.Service) (problems []string) {
	selector := labels.SelectorFromSet(s.Spec.Selector)
	var matched []string
	for name, pod := range all.pods() {
		if !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		matched = append(matched, name)
		for _, port := range s.Spec.Ports {
			if !hasPort(pod.Spec, port.TargetPort.String()) {
				problems = append(problems, fmt.Sprintf("Service %s: port %s is none of %s", s.Name, port.TargetPort.String(), name))
			}
		}
	}
	if len(matched) != 1 {
		problems = append(problems, fmt.Sprintf("Service %s: its selector %s matches the pods of %q, want one", s.Name, selector, matched))
	}
	return problems
}

func hasPort(pod corev1.PodSpec, name string) bool {
	return slices.ContainsFunc(pod.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
	})
}

func (all objects) podProblems(pod corev1.PodSpec) (problems []string) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if s := pod.SecurityContext; s == nil || !isTrue(s.RunAsNonRoot) || s.SeccompProfile == nil ||
		s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		problem("the pod is not of the restricted profile: runAsNonRoot, seccompProfile RuntimeDefault")
	}
	volumes := map[string]corev1.VolumeSource{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = v.VolumeSource
		if claim := v.PersistentVolumeClaim; claim != nil && all.claims[claim.ClaimName] == nil {
			problem("volume %s: there is no claim %s", v.Name, claim.ClaimName)
		}
		if v.Secret != nil && all.secrets[v.Secret.SecretName] == nil {
			problem("volume %s: there is no secret %s", v.Name, v.Secret.SecretName)
		}
		if v.ConfigMap != nil && all.configMaps[v.ConfigMap.Name] == nil {
			problem("volume %s: there is no config map %s", v.Name, v.ConfigMap.Name)
		}
	}
	for _, c := range pod.Containers {
		problems = append(problems, all.containerProblems(c, volumes)...)
	}
	return problems
}

func (all objects) containerProblems(c corev1.Container, volumes map[string]corev1.VolumeSource) (problems []string) {
	problem := func(format string, args ...any) {
		problems = append(problems, "container "+c.Name+": "+fmt.Sprintf(format, args...))
	}
	if s := c.SecurityContext; s == nil || !isTrue(s.ReadOnlyRootFilesystem) || s.AllowPrivilegeEscalation == nil ||
		*s.AllowPrivilegeEscalation || s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") || len(s.Capabilities.Add) > 0 {
		problem("not of the restricted profile: readOnlyRootFilesystem, allowPrivilegeEscalation false, capabilities.drop ALL")
	}
	for _, of := range []corev1.ResourceList{c.Resources.Requests, c.Resources.Limits} {
		if of.Memory().IsZero() {
			problem("memory is not requested, or not limited")
		}
		if of.StorageEphemeral().IsZero() {
			problem("ephemeral-storage is not requested, or not limited")
		}
	}
	if !strings.Contains(path.Base(c.Image), ":") {
		problem("image %s has no tag: kustomization.yaml does not list it", c.Image)
	}
	mounted := map[string]corev1.VolumeMount{}
	for _, m := range c.VolumeMounts {
		mounted[m.MountPath] = m
		if _, ok := volumes[m.Name]; !ok {
			problem("%s: there is no volume %s", m.MountPath, m.Name)
		}
		if problem := all.fileProblem(m, volumes[m.Name].ConfigMap); problem != "" {
			problems = append(problems, "container "+c.Name+": "+problem)
		}
	}
	for _, variable := range c.Env {
		if from := variable.ValueFrom; from != nil && from.SecretKeyRef != nil {
			if !all.hasKey(from.SecretKeyRef.Name, from.SecretKeyRef.Key) {
				problem("%s: secret %s has no key %s", variable.Name, from.SecretKeyRef.Name, from.SecretKeyRef.Key)
			}
		}
		if strings.HasPrefix(variable.Name, "FILE__") || strings.HasSuffix(variable.Name, "_FILE") {
			volume := volumes[mounted[path.Dir(variable.Value)].Name]
			if volume.Secret == nil || !all.hasKey(volume.Secret.SecretName, path.Base(variable.Value)) {
				problem("%s=%s: no mounted secret has this file", variable.Name, variable.Value)
			}
		}
	}
	return problems
}

func (all objects) hasKey(secret, key string) bool {
	s := all.secrets[secret]
	if s == nil {
		return false
	}
	_, ok := s.Data[key]
	return ok
}

func isTrue(b *bool) bool { return b != nil && *b }
