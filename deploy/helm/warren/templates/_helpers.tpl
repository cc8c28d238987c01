{{/* The services. Each has a Deployment and a block of values. */}}
{{- define "warren.services" -}}
gateway tracking registry traces access artifacts
{{- end }}

{{/* Parts of Warren with a RabbitMQ account: the services and the operators' command line. */}}
{{- define "warren.parties" -}}
{{ include "warren.services" . }} cli
{{- end }}

{{/* Services with a role and a schema in PostgreSQL. */}}
{{- define "warren.schemas" -}}
tracking registry traces access
{{- end }}

{{/* Whether a service may have read replicas. Argument: (dict "root" $ "component" "tracking") */}}
{{- define "warren.hasReplicas" -}}
{{- $postgres := .root.Values.postgres }}
{{- $named := or (eq $postgres.mode "external") (index $postgres.secrets .component) }}
{{- if and (has .component (list "tracking" "registry")) (or $named $postgres.operator.readReplicas) }}true{{ end }}
{{- end }}

{{- define "warren.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains .Chart.Name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "warren.image" -}}
{{ required "image.repository: push the image of deploy/Dockerfile and name it here" .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* Labels that select a component's Pods. Argument: (dict "root" $ "component" "gateway") */}}
{{- define "warren.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "warren.labels" -}}
{{ include "warren.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* The name of the Secret with a service's DSN. Argument: (dict "root" $ "component" "tracking") */}}
{{- define "warren.dsnSecret" -}}
{{ index .root.Values.postgres.secrets .component | default (printf "%s-%s-postgres" (include "warren.fullname" .root) .component) }}
{{- end }}

{{/* The name of the Secret with the RabbitMQ address of an account. Argument: (dict "root" $ "component" "tracking") */}}
{{- define "warren.amqpSecret" -}}
{{- $shared := ternary .root.Values.rabbitmq.external.secret "" (eq .root.Values.rabbitmq.mode "external") }}
{{- index .root.Values.rabbitmq.secrets .component | default $shared | default (printf "%s-%s-rabbitmq" (include "warren.fullname" .root) .component) }}
{{- end }}

{{- define "warren.rootTokenSecret" -}}
{{ .Values.access.rootTokenSecret | default (printf "%s-root-token" (include "warren.fullname" .)) }}
{{- end }}

{{- define "warren.rabbitmq" -}}{{ include "warren.fullname" . }}-rabbitmq{{- end }}
{{- define "warren.postgres" -}}{{ include "warren.fullname" . }}-postgres{{- end }}

{{- define "warren.postgresHost" -}}
{{ include "warren.postgres" . }}-rw.{{ .Release.Namespace }}.svc
{{- end }}

{{/* CloudNativePG's Service of all standbys. */}}
{{- define "warren.postgresReplicas" -}}
{{ include "warren.postgres" . }}-ro.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "warren.rabbitmqHost" -}}
{{ include "warren.rabbitmq" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "warren.rabbitmqApi" -}}
{{- if eq .Values.rabbitmq.mode "operator" }}http://{{ include "warren.rabbitmqHost" . }}:15672
{{- else }}{{ .Values.rabbitmq.external.apiUrl }}
{{- end }}
{{- end }}

{{- define "warren.s3Port" -}}
{{- include "warren.port" .Values.s3.endpoint }}
{{- end }}

{{/* The port of an HTTP URL. Argument: the URL */}}
{{- define "warren.port" -}}
{{- $url := urlParse . }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" }}
{{- $port | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end }}
